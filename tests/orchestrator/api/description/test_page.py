"""The page at /docs: complete in itself, and of use in a real browser."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.api.description.served import PAGE_FILES
from tests.browser import CHROMIUM, Page, page_open
from tests.orchestrator.api.running import Api

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


async def test_the_page_and_all_that_it_names_are_served(api: Api) -> None:
    async with httpx.AsyncClient(base_url=api.url) as stranger:
        page = await stranger.get("/docs")
        named = re.findall(r'(?:href|src)="(docs/[^"]+)"', page.text)
        assert len(named) == 2
        for name in PAGE_FILES:
            file = await stranger.get(f"/docs/{name}")
            assert (file.status_code, file.headers["x-content-type-options"]) == (200, "nosniff")
            named += [f"docs/{imported}" for imported in re.findall(r'from "\./([^"]+)"', file.text)]
        assert {*named} == {f"docs/{name}" for name in PAGE_FILES}
        assert (await stranger.get("/docs/page.html")).status_code == 404
        again = await stranger.get("/docs", headers={"if-none-match": page.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_the_page_may_load_and_run_only_what_this_server_has(api: Api) -> None:
    async with httpx.AsyncClient(base_url=api.url) as stranger:
        page = await stranger.get("/docs")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';")
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=", page.text)


def test_no_file_of_the_page_names_another_server_or_reads_text_as_markup() -> None:
    folder = files("orchestrator.api.description") / "page"
    for name in ("page.html", *PAGE_FILES):
        text = (folder / name).read_text()
        assert re.findall(r"""["'(]https?://""", text) == [], name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|localStorage", text), (
            name
        )


@pytest.mark.slow
@in_a_browser
async def test_a_job_is_handed_in_from_the_page(api: Api, tmp_path: Path) -> None:
    async with page_open(tmp_path, f"{api.url}/docs") as page:
        await page.sees("document.querySelector('#submitJob')")
        await page.value(f"{_field('#key')}.value = {json.dumps(api.key.key)}")
        await page.value(f"{_field('#key')}.dispatchEvent(new Event('change'))")
        await page.sees("document.querySelector('#who.good')")
        await page.value("document.querySelector('nav a[href=\"#submitJob\"]').click()")
        await page.sees("document.querySelector('#submitJob form')")
        body = json.dumps(json.dumps({"operation": "echo", "input": {"text": "from the page"}}))
        await page.value(f"{_field('#submitJob-body')}.value = {body}")
        result = await _sent(page, "submitJob")
        assert result["status"].startswith("202 ")
        job = json.loads(result["body"])
        assert job["operation"] == "echo"
        assert (await api.client.get(f"/v1/jobs/{job['id']}")).status_code == 200
        assert {url.split("/")[2] for url in page.addresses if url.startswith("http")} == {api.url.split("/")[2]}
        kept = await page.value("[localStorage.length, Object.values(sessionStorage)]")
        assert kept == [0, [api.key.key]]
        assert page.complaints == []


@pytest.mark.slow
@in_a_browser
async def test_every_route_of_the_page_opens_and_labels_each_of_its_fields(api: Api, tmp_path: Path) -> None:
    async with page_open(tmp_path, f"{api.url}/docs#getJob") as page:
        await page.sees("document.querySelector('#getJob[open] form')")
        await page.value("document.querySelectorAll('details').forEach(part => part.open = true)")
        await page.sees("[...document.querySelectorAll('.route')].every(route => route.querySelector('form'))")
        await page.value("document.querySelectorAll('details').forEach(part => part.open = true)")
        unlabelled = (
            "[...document.querySelectorAll('input, select, textarea')].filter(f => !f.labels.length).map(f => f.id)"
        )
        assert await page.value(unlabelled) == []
        text = await page.value("document.body.innerText")
        assert not re.search(r"\[object|undefined|NaN", text)
        assert "X-API-Key: $REVELA_API_KEY" in text
        assert "how much closer the nearest view is" in text.lower()
        assert page.complaints == []


@pytest.mark.slow
@in_a_browser
async def test_a_refusal_is_shown_and_a_wrong_key_is_told(api: Api, tmp_path: Path) -> None:
    async with page_open(tmp_path, f"{api.url}/docs#getJob") as page:
        await page.sees("document.querySelector('#getJob[open] form')")
        await page.value(f"{_field('#key')}.value = 'rv_wrong'")
        await page.value(f"{_field('#key')}.dispatchEvent(new Event('change'))")
        await page.sees("document.querySelector('#who.bad')")
        await page.value(f"{_field('#getJob-path-job_id')}.value = 'job_01K9ZV6Q0S8M7D3X5B2C4F6G8H'")
        result = await _sent(page, "getJob")
        assert result["status"].startswith("401 ")
        assert json.loads(result["body"])["code"] == "unauthenticated"


def _field(selector: str) -> str:
    return f"document.querySelector({json.dumps(selector)})"


async def _sent(page: Page, route: str) -> dict[str, Any]:
    """Press Send and return what is shown."""
    await page.value(f"document.querySelector('#{route} form').requestSubmit()")
    await page.sees(f"document.querySelector('#{route} .result pre')")
    shown: dict[str, Any] = await page.value(
        f"(({{status: document.querySelector('#{route} .result .status').innerText,"
        f" body: document.querySelector('#{route} .result pre').innerText}}))"
    )
    return shown

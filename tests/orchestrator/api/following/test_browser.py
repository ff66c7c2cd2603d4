"""A real browser's EventSource, on a page of another origin."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from orchestrator.api.jobs import events
from tests.orchestrator.api.following.test_events import failed
from tests.orchestrator.api.following.test_tokens import link_to
from tests.orchestrator.api.running import Api, completed
from tests.waiting import until

CHROMIUM = shutil.which("chromium")
PAGE = """<!doctype html><script>
const tell = told => fetch("/told", {method: "POST", body: JSON.stringify(told)});
const source = new EventSource(ADDRESS);
for (const kind of ["status", "item", "progress"])
  source.addEventListener(kind, event => tell({kind, data: JSON.parse(event.data), id: event.lastEventId}));
source.onerror = () => tell({kind: "error", state: source.readyState});
</script>"""
CLOSED = 2

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")]


@asynccontextmanager
async def page_open(folder: Path, address: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Show the page in a browser; yield what its script tells, as it grows."""
    told: list[dict[str, Any]] = []

    async def show(_request: web.Request) -> web.Response:
        return web.Response(text=PAGE.replace("ADDRESS", json.dumps(address)), content_type="text/html")

    async def take(request: web.Request) -> web.Response:
        told.append(json.loads(await request.text()))
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/", show), web.post("/told", take)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    browser = await asyncio.create_subprocess_exec(
        str(CHROMIUM),
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", "--remote-debugging-port=0"),
        *(f"--user-data-dir={folder / 'profile'}", f"http://127.0.0.1:{runner.addresses[0][1]}/"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield told
    finally:
        browser.terminate()
        await browser.wait()
        await runner.cleanup()


async def test_a_browser_follows_a_job_through_a_cut_to_its_end(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "RETRY_MS", 100)
    job_id = str((await api.post_job(2))["id"])
    async with page_open(tmp_path, api.url + await link_to(api, job_id)) as told:

        def seen(kind: str) -> list[Any]:
            return [event for event in told if event["kind"] == kind]

        await until(lambda: seen("progress"), 30)
        assert [event["data"]["status"] for event in seen("status")] == ["IN_QUEUE"]
        await api.end_items(job_id, [completed(0, "i0", "text", f"acme/{job_id}/0-1/0/echo.txt")])
        await until(lambda: len(seen("item")) == 1)
        api.services.streams.close()
        await until(lambda: seen("error"))
        await api.end_items(job_id, [failed(1, "i1")])
        api.services.streams.closing = False
        # It comes again by itself, and once more after the end; that it is told not to.
        await until(lambda: seen("error")[-1]["state"] == CLOSED, 30)
        assert [event["data"]["id"] for event in seen("item")] == ["i0", "i1"]
        assert [event["data"]["status"] for event in seen("status")] == ["IN_QUEUE", "COMPLETED_WITH_ERRORS"]
        assert seen("item")[0]["data"]["output"]["text"]["url"].startswith("https://")
    await until(lambda: len(api.services.streams) == 0)

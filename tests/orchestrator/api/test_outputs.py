"""Output links: stable, signed, expiring, served safely and in parts."""

import base64
from pathlib import Path

import httpx

from orchestrator.api.outputs import CDN_CACHE_S, wanted_range
from orchestrator.store import tables
from shared.refusals import RangeNotSatisfiable
from tests.orchestrator.api.running import Api, completed, running_api

BODY = bytes(range(256)) * 4096
HTML = b"<script>alert(1)</script>"


async def link(api: Api, body: bytes = BODY) -> str:
    return await api.finish_with_file((await api.post_job())["id"], body)


async def test_a_link_gives_the_file_to_anyone_who_has_it(api: Api) -> None:
    path = await link(api)
    async with httpx.AsyncClient(base_url=api.url) as stranger:
        whole, head = await stranger.get(path), await stranger.head(path)
    assert whole.status_code == head.status_code == 200
    assert (whole.content, head.content) == (BODY, b"")
    for answer in (whole, head):
        assert answer.headers["content-length"] == str(len(BODY))
        assert answer.headers["etag"] == f'"{"0" * 64}"'
        assert answer.headers["accept-ranges"] == "bytes"
    assert path.endswith("/i0-echo.txt")


async def test_a_file_can_not_act_as_a_page_of_ours(api: Api) -> None:
    answer = await api.client.get(await link(api, HTML))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["content-disposition"] == 'attachment; filename="i0-echo.txt"'
    assert answer.headers["content-type"].startswith("text/plain")


RANGES = [
    ("bytes=0-0", 206, 0, 1),
    ("bytes=100-199", 206, 100, 200),
    ("bytes=1000000-", 206, 1_000_000, len(BODY)),
    ("bytes=-10", 206, len(BODY) - 10, len(BODY)),
    (f"bytes=0-{10**17}", 206, 0, len(BODY)),
    (f"bytes=-{10**17}", 206, 0, len(BODY)),
    ("bytes=5-2", 200, 0, len(BODY)),
    ("bytes=a-b", 200, 0, len(BODY)),
    ("bytes=-", 200, 0, len(BODY)),
    ("bytes=0-1,4-5", 200, 0, len(BODY)),
    ("bytes=" + ",".join(["0-0"] * 200), 200, 0, len(BODY)),
    ("items=0-1", 200, 0, len(BODY)),
]


async def test_one_range_is_honoured_and_odd_ones_are_ignored(api: Api) -> None:
    path = await link(api)
    for header, status, start, end in RANGES:
        answer = await api.client.get(path, headers={"range": header})
        assert (answer.status_code, answer.content) == (status, BODY[start:end]), header
        content_range = f"bytes {start}-{end - 1}/{len(BODY)}" if status == 206 else None
        assert answer.headers.get("content-range") == content_range, header


async def test_a_range_outside_the_file_is_refused(api: Api) -> None:
    path = await link(api)
    for header in (f"bytes={len(BODY)}-", f"bytes={len(BODY) + 5}-{len(BODY) + 9}", "bytes=-0"):
        answer = await api.client.get(path, headers={"range": header})
        assert (answer.status_code, answer.json()["code"]) == (416, "range-not-satisfiable"), header
        assert answer.headers["content-range"] == f"bytes */{len(BODY)}"


def test_every_range_lies_inside_the_file() -> None:
    for size in (0, 1, 7):
        for first in ("", "0", "3", "7", "99"):
            for last in ("", "0", "3", "6", "99"):
                try:
                    found = wanted_range(f"bytes={first}-{last}", size)
                except RangeNotSatisfiable:
                    continue
                assert found is None or 0 <= found[0] < found[1] <= size


async def test_an_unchanged_file_is_not_sent_again(api: Api) -> None:
    path = await link(api)
    etag = (await api.client.head(path)).headers["etag"]
    assert (await api.client.get(path, headers={"if-none-match": etag})).status_code == 304
    part = await api.client.get(path, headers={"range": "bytes=0-9", "if-range": etag})
    assert (part.status_code, part.content) == (206, BODY[:10])
    changed = await api.client.get(path, headers={"range": "bytes=0-9", "if-range": '"other"'})
    assert (changed.status_code, len(changed.content)) == (200, len(BODY))


async def test_a_link_lives_until_its_jobs_outputs_expire(api: Api) -> None:
    path = await link(api)
    api.clock.advance(259_200 - 0.001)
    assert (await api.client.get(path)).status_code == 200
    api.clock.advance(0.001)
    gone = await api.client.get(path)
    assert (gone.status_code, gone.json()["code"]) == (410, "link-expired")


async def test_a_link_to_a_deleted_job_or_file_leads_nowhere(api: Api) -> None:
    job = await api.post_job()
    path = await api.finish_with_file(job["id"], BODY)
    kept = api.folder / "outputs" / "acme" / job["id"]
    [file] = [found for found in kept.rglob("*") if found.is_file()]
    file.unlink()
    assert (await api.client.get(path)).status_code == 404
    await api.services.store.write(lambda c: c.execute(tables.jobs.delete()))
    assert (await api.client.get(path)).status_code == 404


async def test_a_link_that_was_touched_is_refused(api: Api) -> None:
    path = await link(api)
    _, _, token, name = path.split("/")
    payload, _, mac = token.partition(".")
    other = base64.urlsafe_b64encode(base64.urlsafe_b64decode(payload + "==").replace(b"/0/", b"/1/")).decode()
    purpose = api.services.signer.seal("another purpose", "x").partition(".")[2]
    for touched in (
        payload,
        f"{payload}.",
        f"{payload}.{mac[:-2]}",
        f"{payload}.{purpose}",
        f"{other.rstrip('=')}.{mac}",
        f"{token}.{mac}",
        f"{token}%252e",
        f"%2500{token}",
        f"é{token}",
        "x" * 5000,
    ):
        answer = await api.client.get(f"/output/{touched}/{name}")
        assert (answer.status_code, answer.json()["code"]) == (403, "signature-invalid"), touched
        assert (await api.client.put(f"/output/{touched}/{name}", content=b"x")).status_code == 403
    assert (await api.client.put(path, content=b"x")).status_code == 403


async def test_another_name_under_a_good_token_is_not_found(api: Api) -> None:
    folder = (await link(api)).rpartition("/")[0]
    for name in (
        "../../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "x%00.txt",
        "other.txt",
        "i0-echo.txt%00",
        "",
    ):
        answer = await api.client.get(f"{folder}/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), name


async def test_a_symlink_in_the_storage_is_not_followed(api: Api, tmp_path: Path) -> None:
    job = await api.post_job()
    path = await api.finish_with_file(job["id"], BODY)
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    [file] = [found for found in (api.folder / "outputs" / "acme").rglob("*") if found.is_file()]
    file.unlink()
    file.symlink_to(secret)
    assert (await api.client.get(path)).status_code == 404
    moved = file.parent.rename(tmp_path / "moved")
    (moved / file.name).unlink()
    (moved / file.name).write_bytes(b"elsewhere")
    file.parent.symlink_to(moved, target_is_directory=True)
    assert (await api.client.get(path)).status_code == 404


async def test_an_output_becomes_the_input_of_another_job(api: Api) -> None:
    first = await api.post_job()
    await api.finish_with_file(first["id"], BODY)
    source = f"output://{first['id']}/i0/text"
    body = {"operation": "echo", "input": {"image": source}}
    assert (await api.client.post("/v1/jobs", json=body)).status_code == 202
    async with api.as_tenant("other") as other:
        refused = await other.post("/v1/jobs", json=body)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/input/image"]


async def test_behind_a_cdn_a_link_points_there_and_is_cached_no_longer_than_it_lives(
    tmp_path: Path, database: Path
) -> None:
    async with running_api(tmp_path, database, cdn_url="https://cdn.example/media/") as api:
        jobs = {}
        for kept_s in (600, 259_200, None):
            job_id = str((await api.post_job(output_ttl_s=kept_s))["id"])
            key = f"acme/{job_id}/0-1/0/echo.txt"
            await api.put_object(key, BODY)
            await api.end_items(job_id, [completed(0, "i0", "text", key, len(BODY))])
            [item] = (await api.client.get(f"/v1/jobs/{job_id}")).json()["items"]
            base, _, path = item["output"]["text"]["url"].partition("/output/")
            assert base == "https://cdn.example/media"
            jobs[kept_s] = f"/output/{path}"
        api.clock.advance(100)
        answers = {kept_s: await api.client.get(path) for kept_s, path in jobs.items()}
        assert {kept_s: answer.headers["cache-control"] for kept_s, answer in answers.items()} == {
            600: "public, max-age=500",
            259_200: f"public, max-age={CDN_CACHE_S}",
            None: f"public, max-age={CDN_CACHE_S}",
        }
        api.clock.advance(499.5)
        assert (await api.client.get(jobs[600])).headers["cache-control"] == "private, no-cache"
        api.clock.advance(0.5)
        assert (await api.client.get(jobs[600])).json()["code"] == "link-expired"

"""B40 to B42: addresses of files that somebody has worked on."""

import base64
import json
from pathlib import Path

import pytest

from tests.orchestrator.api.running import Api, database, path_of, running_api

__all__ = ["database"]

KEY = "acme/job_1/0-1/0/echo.txt"


def retimed(token: str, expires: object) -> str:
    """Return a read or upload token with another time in it, and the signature that it had."""
    payload, _, mac = token.partition(".")
    grant = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    place = 1 if len(grant) == 2 else 3
    grant[place] = expires
    return f"{base64.urlsafe_b64encode(json.dumps(grant).encode()).rstrip(b'=').decode()}.{mac}"


@pytest.mark.parametrize("expires", [10**13, -1, "soon", None, 1e400], ids=str)
async def test_b40_time_that_was_changed_in_an_address_is_refused(
    tmp_path: Path, database: Path, expires: object
) -> None:
    async with running_api(tmp_path, database) as api:
        await api.put_object(KEY, b"abc")
        now_ms = api.clock.now_ms()
        storage = api.services.storage
        read = path_of(storage.read_url(KEY, now_ms + 1000))
        write = path_of(storage.grant_upload(KEY, "text/plain", 10, now_ms + 1000).url)
        assert (await api.client.get(read)).content == b"abc"
        for method, path in (("GET", read), ("PUT", write)):
            _, _, token, name = path.split("/")
            changed = await ask(api, method, f"/output/{retimed(token, expires)}/{name}")
            assert changed == (403, "signature-invalid")
            assert await ask(api, method, f"{path}?expires=9999999999&expires=1") in ((200, None),)
            api.clock.advance(1.001)
            assert await ask(api, method, path) == (410, "link-expired")
            api.clock.advance(-1.001)


async def ask(api: Api, method: str, path: str) -> tuple[int, str | None]:
    """Return the status, and the code of a refusal."""
    answer = await api.client.request(method, path, headers={"content-type": "text/plain"}, content=b"x")
    return answer.status_code, None if answer.is_success else answer.json()["code"]


async def test_b41_signature_repeated_in_the_path_opens_nothing(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database) as api:
        path = await api.finish_with_file((await api.post_job())["id"], b"abc")
        _, _, token, name = path.split("/")
        mac = token.partition(".")[2]
        for touched in (f"/output/{token}/{token}/{name}", f"/output/{mac}/{token}/{name}"):
            assert (await api.client.get(touched)).status_code == 404
        for touched in (f"{mac}.{mac}", f"{token}%252e{mac}", f"{token}.{mac}"):
            assert await ask(api, "GET", f"/output/{touched}/{name}") == (403, "signature-invalid")


async def test_b42_neighbour_with_the_same_beginning_is_not_reached(tmp_path: Path, database: Path) -> None:
    async with running_api(tmp_path, database) as api:
        await api.put_object("acme-other/job_1/0-1/0/echo.txt", b"theirs")
        read = path_of(api.services.storage.read_url("acme/job_1/0-1/0/echo.txt", api.clock.now_ms() + 1000))
        assert await ask(api, "GET", read) == (404, "not-found")
        for name in ("..%2f..%2f..%2f..%2facme-other%2fjob_1%2f0-1%2f0%2fecho.txt", "../../../../../etc/passwd"):
            answer = await api.client.get(f"{read.rpartition('/')[0]}/{name}")
            assert answer.status_code == 404

"""B1 to B8: addresses that are refused for what stands in them, at submit and again by the worker."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from orchestrator.store import tables
from shared.errors import SourceBlocked, SourceInvalid
from shared.fetch_guard import AddressBlocked, guarded_session
from shared.wire.work_order import InputGrant
from tests.bad_inputs.names import Names
from tests.loopback import RawServer, http_answer, raw_server
from tests.orchestrator.api.running import Api, database, running_api
from tests.shared.test_addresses import PRIVATE, PUBLIC
from tests.worker.orders import leftovers
from worker.transfer.fetch import Clients, download

__all__ = ["database"]

LOOPBACK = "2130706433"
INVALID = {
    "B1": [
        "file:///etc/passwd",
        "ftp://example.com/x",
        "gopher://127.0.0.1:{port}/x",
        "data:image/png;base64,AAAA",
        "concat:a|b",
        "subfile,,start,0,end,9,,:/etc/passwd",
    ],
    "B5": [
        "http://example.com@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@example.com/",
        "http://user:word@127.0.0.1:{port}/",
    ],
    "B6": [
        "http://127.0.0.1%00.example.com/",
        "http://127.0.0.1\0.example.com/",
        "http://127.0.0.1:{port}/a\tb",
        "http://127.0.0.1:{port}/a\nb",
        "http://127.0.0.1:{port}/a\r\nHost: evil",
    ],
    "B7": [f"http://example.com:{port}/" for port in (22, 6379, 0, 99_999)],
    "B8": ["http://example.com/" + "a" * 10_000, "", f"http://{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 44}/"],
}
"""What is no address that can be used; `{port}` is the one at which a server listens that must hear of nothing."""
BLOCKED = {
    "B2": [
        *(f"http://{host}:{{port}}/" for host in ("127.1", "0x7f.1", LOOPBACK, "0177.0.0.1", "0", "[::1]")),
        *(f"http://{host}:{{port}}/" for host in ("[::ffff:7f00:1]", "１２７.0.0.1", "localhost", "LOCALHOST.")),
    ],
    "B3": [
        *(f"http://{host}/latest/meta-data" for host in ("169.254.169.254", "[fd00:ec2::254]", "100.100.100.200")),
        *(f"http://{host}/latest/meta-data" for host in ("168.63.129.16", "metadata.google.internal")),
    ],
    "B4": [f"http://[{text}]/" for text in PRIVATE if ":" in text and "%" not in text],
}
"""What leads inside, in whatever spelling."""
REFUSED = [(case, url) for case, urls in (INVALID | BLOCKED).items() for url in urls]


@pytest.fixture
async def sink() -> AsyncIterator[RawServer]:
    """A server that must not be reached."""
    async with raw_server(http_answer(b"secret")) as server:
        yield server


@pytest.mark.parametrize("case", INVALID | BLOCKED)
async def test_address_is_refused_at_submit_and_nothing_is_stored(
    tmp_path: Path, database: Path, sink: RawServer, case: str
) -> None:
    async with running_api(tmp_path, database) as api:
        for url in (INVALID | BLOCKED)[case]:
            await refused(api, url.format(port=sink.port))
        assert await api.count(tables.jobs) == 0
    assert sink.connections == 0


async def refused(api: Api, image: object) -> None:
    """Hand in a job with this input; it must be pointed at."""
    answer = await api.client.post("/v1/jobs", json={"operation": "echo", "input": {"image": image}})
    if isinstance(image, str) and "\0" in image:
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-json"), "no text of ours holds a NUL"
        return
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed"), image
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/input/image"], image


async def test_what_is_no_text_is_no_address(tmp_path: Path, database: Path) -> None:
    """B8, too."""
    async with running_api(tmp_path, database) as api:
        for image in (7, True, ["https://example.com/a.jpg"], {"url": "https://example.com/a.jpg"}):
            await refused(api, image)


@pytest.mark.parametrize(("case", "url"), REFUSED, ids=[f"{case}-{n}" for n, (case, _) in enumerate(REFUSED)])
async def test_worker_refuses_it_by_itself(tmp_path: Path, sink: RawServer, case: str, url: str) -> None:
    """An order that holds such an address, whoever wrote it, opens no connection and asks no resolver."""
    expected = SourceInvalid if case in INVALID else SourceBlocked
    names = Names(["127.0.0.1"])
    async with aiohttp.ClientSession() as own, guarded_session(resolver=names) as user:
        grant = InputGrant(url=url.format(port=sink.port), origin="user", max_bytes=100)
        with pytest.raises(expected):
            await download(Clients(own, user), grant, tmp_path / "source", max_bytes=100, timeout_s=5)
        assert (user.guard.checked, names.asked, sink.connections) == (0, 0, 0)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("text", PRIVATE)
async def test_guard_stops_every_address_of_the_table_in_the_connect_step(text: str) -> None:
    """The check of the text is left out on purpose: the guard has to be asked, and to hold by itself."""
    host = f"[{text.partition('%')[0]}]" if ":" in text else text
    async with guarded_session() as client:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await client.session.get(f"http://{host}/")
        assert isinstance(caught.value.os_error, AddressBlocked)
        assert (client.guard.checked, client.guard.refused) == (1, 1)


@pytest.mark.parametrize("text", PRIVATE)
async def test_guard_stops_a_name_that_resolves_to_an_address_of_the_table(text: str) -> None:
    names = Names([text.partition("%")[0]])
    async with guarded_session(resolver=names) as client:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await client.session.get("http://photos.example/")
        assert isinstance(caught.value.os_error, AddressBlocked)
        assert (names.asked, client.guard.refused, client.guard.checked) == (1, 1, 0)


@pytest.mark.parametrize("text", PUBLIC)
async def test_guard_lets_public_addresses_pass(text: str) -> None:
    """As far as the socket, which nobody connects: this test reaches no network."""
    family = 10 if ":" in text else 2
    async with guarded_session() as client:
        client.guard.open_socket((family, 1, 6, "", (text, 80))).close()
        assert (client.guard.checked, client.guard.refused) == (1, 0)

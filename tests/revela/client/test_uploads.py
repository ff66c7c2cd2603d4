"""Files that clients send arrive whole, however often the way is cut, and nothing is sent twice without need."""

import asyncio
import hashlib
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.responses import JSONResponse

from revela import (
    AsyncClient,
    Client,
    ClientError,
    InvalidArgument,
    Patience,
    ServerError,
    UploadFailed,
    UploadProgress,
    UploadView,
)
from revela.client.uploads.note import UploadNote
from revela.client.uploads.sending import Sending
from revela.client.uploads.source import SourceFile
from shared.wire.access.key import KeyView
from tests.cutting_proxy import CuttingProxy, cutting_proxy
from tests.revela.client.both import Caller, call_asynchronous, call_blocking
from tests.revela.client.scripted import scripted
from tests.served import Server

MIB = 1 << 20
PART_BYTES = 5 * MIB
ATTENTIVE = Patience(attempts=8, first_pause_s=0.05, longest_pause_s=1)

OnUpload = Callable[[UploadProgress], object]
slow = pytest.mark.slow


class BrokenOff(Exception):
    """Ends an upload in the middle."""


@dataclass(frozen=True)
class Line:
    """A server, reached over a line that can be cut."""

    server: Server
    proxy: CuttingProxy
    key: str

    def upload(self, kind: str, path: Path, on_progress: OnUpload | None = None) -> UploadView:
        """Upload by the client of that kind."""
        if kind == "blocking":
            with Client(self.proxy.url, self.key, patience=ATTENTIVE) as client:
                return client.upload(path, on_progress=on_progress)

        async def upload() -> UploadView:
            async with AsyncClient(self.proxy.url, self.key, patience=ATTENTIVE) as client:
                return await client.upload(path, on_progress=on_progress)

        return asyncio.run(upload())

    def stored(self, upload: UploadView) -> bytes:
        """Return what has arrived."""
        return (self.server.folder / "objects/acme/uploads" / upload.id[4:]).read_bytes()

    def puts(self) -> int:
        """Return how many PUTs were begun, and forget them."""
        count = sum(block.startswith(b"PUT ") for block in self.proxy.requests)
        self.proxy.requests.clear()
        return count


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    settings = {"REVELA_UPLOAD_PART_BYTES": str(PART_BYTES)}
    with cutting_proxy() as proxy:
        server = Server(tmp_path_factory.mktemp("server"), 0, REVELA_PUBLIC_URL=proxy.url, **settings)
        proxy.target = server.url
        server.start()
        try:
            yield Line(server, proxy, server.create_key())
        finally:
            server.stop()


@pytest.fixture(params=["blocking", "asynchronous"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def video(folder: Path, size_bytes: int = 22 * MIB) -> Path:
    """Write a file that begins as a video does, of five parts; no two are alike."""
    path = folder / "holiday.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + random.randbytes(size_bytes - 12))
    return path


def notes(folder: Path) -> list[Path]:
    return list((folder / "cache/revela/uploads").glob("*.json"))


@slow
def test_a_file_arrives_in_parts_and_is_not_sent_a_second_time(line: Line, kind: str, tmp_path: Path) -> None:
    path, told = video(tmp_path), list[UploadProgress]()
    upload = line.upload(kind, path, told.append)
    assert (upload.state, upload.name, upload.verified) == ("completed", "holiday.mp4", True)
    assert line.stored(upload) == path.read_bytes()
    assert upload.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [told[0].stage, told[-1]] == ["reading", UploadProgress("sending", 22 * MIB, 22 * MIB)]
    assert line.puts() == 5
    again = line.upload(kind, path)
    assert (again.state, again.id != upload.id, line.puts()) == ("completed", True, 0)
    assert notes(tmp_path) == []


@slow
def test_a_small_file_is_sent_by_one_put(line: Line, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "beach.JPG"
    path.write_bytes(b"\xff\xd8\xff" + random.randbytes(1000))
    upload = line.upload(kind, path)
    assert (line.stored(upload), upload.content_type, line.puts()) == (path.read_bytes(), "image/jpeg", 1)


@slow
def test_a_line_that_is_cut_again_and_again_is_outlasted(line: Line, kind: str, tmp_path: Path) -> None:
    path, cuts = video(tmp_path), iter((3 * MIB, 9 * MIB, 16 * MIB))
    following = next(cuts)

    def cut(told: UploadProgress) -> None:
        nonlocal following
        if told.stage == "sending" and told.bytes_done >= following:
            following = next(cuts, 1 << 40)
            line.proxy.reset_all()

    upload = line.upload(kind, path, cut)
    assert line.stored(upload) == path.read_bytes()
    assert line.puts() > 5


@slow
def test_a_later_call_goes_on_where_one_broke_off(line: Line, kind: str, tmp_path: Path) -> None:
    path = video(tmp_path)

    def break_off(told: UploadProgress) -> None:
        if told.stage == "sending" and told.bytes_done > 20 * MIB:  # more than four parts, so that one has arrived
            raise BrokenOff

    with pytest.raises(BrokenOff):
        line.upload(kind, path, break_off)
    assert len(notes(tmp_path)) == 1
    line.puts()
    stages: list[str] = []
    upload = line.upload(kind, path, lambda told: stages.append(told.stage))
    assert line.stored(upload) == path.read_bytes()
    assert line.puts() < 5
    assert set(stages) == {"sending"}, "the file was read for its hash once more"


@slow
def test_a_file_that_changes_on_the_way_is_not_completed(line: Line, kind: str, tmp_path: Path) -> None:
    path = video(tmp_path)

    def change(told: UploadProgress) -> None:
        if told.stage == "sending" and told.bytes_done > 10 * MIB:
            os.utime(path, (1, 1))

    with pytest.raises(InvalidArgument, match="was changed while it was uploaded"):
        line.upload(kind, path, change)


@slow
def test_uploads_are_listed_read_and_deleted(line: Line, tmp_path: Path) -> None:
    with Client(line.server.url, line.server.create_key()) as client:
        upload = client.upload(video(tmp_path, MIB))
        assert client.get_upload(upload.id) == upload
        assert upload.id in [one.id for one in client.uploads(state="completed")]
        client.delete_upload(upload.id)
        assert upload.id not in [one.id for one in client.uploads()]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.exe", b"x", r"its name does not say what it is; .*--type.*\.jpg, \.png"),
        ("a.jpg", b"<html>", "the file does not look like image/jpeg"),
        ("a.jpg", b"", "the file is empty"),
        ("a.jpg", None, "there is no such file"),
    ],
)
def test_what_cannot_be_uploaded_is_said_at_once(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with Client("http://127.0.0.1:9", "rv_key") as client, pytest.raises(InvalidArgument, match=reason):
        client.upload(tmp_path / name)


def test_a_note_is_of_one_file_as_it_was_at_one_server(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    note = UploadNote("http://a", SourceFile.of(path))
    note.keep(sha256="ab", upload_id="upl_00000000000000000000000001")
    assert UploadNote("http://a", SourceFile.of(path)).upload_id == "upl_00000000000000000000000001"
    assert UploadNote("http://b", SourceFile.of(path)).upload_id is None
    os.utime(path, (1, 1))
    assert UploadNote("http://a", SourceFile.of(path)).upload_id is None
    for damaged in ("", "[]", "{"):
        notes(tmp_path)[0].write_text(damaged)
        assert UploadNote("http://a", SourceFile.of(path)).sha256 is None


def sending(tmp_path: Path) -> Sending:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42")
    known = {
        "id": "upl_00000000000000000000000001",
        "state": "waiting",
        "name": "a.mp4",
        "size_bytes": 12,
        "content_type": "video/mp4",
        "part_bytes": 5,
        "parts_total": 3,
        "parts": [{"n": 1, "url": "http://store/1", "headers": {}, "size_bytes": 5}],
        "received": [{"n": 2, "etag": "a", "size_bytes": 5}, {"n": 3, "etag": "b", "size_bytes": 1}],
        "created_at": "2026-05-04T12:30:00Z",
        "expires_at": "2026-05-04T12:30:00Z",
    }
    empty = dict.fromkeys(("sha256", "problem", "method", "url", "headers", "urls_expire_at", "completed_at"), None)
    upload = UploadView.model_validate({**empty, "verified": False, **known})
    return Sending(SourceFile.of(path), upload, None)


def test_what_has_arrived_whole_is_not_sent_again(tmp_path: Path) -> None:
    parts = sending(tmp_path)
    assert parts.left == [1, 3]
    assert [len(b"".join(parts.pieces(n))) for n in parts.left] == [5, 2]


def test_an_address_is_tried_once_and_a_refusal_that_may_pass_is_waited_over(tmp_path: Path) -> None:
    parts = sending(tmp_path)
    assert parts.take_address(1) is not None
    assert (parts.take_address(1), parts.asked_for(1)) == (None, [1])
    for status in (403, 410, 409, 429, 500, 503):
        with pytest.raises(ServerError, match=f"the storage at store answered {status}"):
            parts.answered(1, httpx.Response(status, request=httpx.Request("PUT", "http://store/1")))
    for status in (400, 404):
        with pytest.raises(UploadFailed, match="upload the file again"):
            parts.answered(1, httpx.Response(status, request=httpx.Request("PUT", "http://store/1")))


def key_view(upload_bytes: int, *scopes: str) -> KeyView:
    limits = {"requests": [], "open_items": 1, "upload_bytes": upload_bytes, "source_hosts": None}
    told = {"id": "k", "name": "n", "tenant": "t", "scopes": scopes, "limits": limits, "open_items": 0}
    return KeyView.model_validate({**told, "created_at": "2026-05-04T12:30:00Z", "expires_at": None})


@pytest.mark.parametrize("call", [call_blocking, call_asynchronous])
def test_a_large_file_that_the_server_would_not_take_is_not_even_read(tmp_path: Path, call: Caller) -> None:
    path, read = tmp_path / "a.mp4", list[UploadProgress]()
    path.write_bytes(b"\0\0\0\x18ftypmp42")
    os.truncate(path, 3 << 29)
    for key, reason in (
        (key_view(1 << 30, "jobs:write"), "1.5 GiB, and the server takes 1 GiB at most"),
        (key_view(5 << 30, "jobs:read"), "lacks the scope jobs:write"),
    ):
        with scripted([JSONResponse(key.model_dump(mode="json"))]) as server, pytest.raises(ClientError, match=reason):
            call(server.url, "upload", path, on_progress=read.append)
        assert server.asked == [("GET", "/v1/key")]
    assert read == []

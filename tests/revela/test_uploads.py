"""`revela upload`, and files of this machine among the pictures of `revela submit`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from revela import ConnectionFailed, UploadProgress
from revela.failures import Interrupted, ServerUnreachable
from revela.uploads.bar import UploadBars, upload_bars
from revela.uploads.in_request import with_uploads
from revela.uploads.kept import going_on_later
from tests.pictures import photo
from tests.revela.terminal import Terminal
from tests.served import Server, served

ANYBODY = ("--key", "rv_key", "--url", "http://127.0.0.1:9")
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("server"), workers=0) as running:
        yield running


@pytest.fixture
def there(server: Server) -> tuple[str, ...]:
    return "--key", server.create_key(), "--url", server.url


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@slow
def test_each_file_is_told_by_what_stands_for_it(terminal: Terminal, there: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(photo(64, 48) + name.encode())
    ran = terminal("upload", "a.jpg", "b.jpg", *there)
    first, second = ran.out.splitlines()
    assert (ran.code, first[:13], first == second) == (0, "upload://upl_", False)
    told = terminal("upload", "b.jpg", "--json", *there)
    assert [(one["state"], one["name"]) for one in told.json] == [("completed", "b.jpg")]
    assert told.err == ""


@slow
def test_a_key_that_the_server_does_not_know_is_said_without_speaking_of_http(
    terminal: Terminal, server: Server
) -> None:
    for words in (("uploads", "list"), ("submit", "img2vid", "--param", "fps=1")):
        ran = terminal(*words, "--key", "rv_wrong", "--url", server.url)
        assert (ran.code, ran.err) == (
            2,
            f"revela: the key in REVELA_API_KEY or --key is not known at {server.url}\n",
        )


@slow
def test_uploads_are_listed_and_deleted(terminal: Terminal, there: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("sea.jpg", "lake.jpg"):
        (tmp_path / name).write_bytes(photo(64, 48) + name.encode())
    sea, lake = terminal("upload", "sea.jpg", "lake.jpg", *there).out.split()
    sizes = [str((tmp_path / name).stat().st_size) for name in ("lake.jpg", "sea.jpg")]
    rows = [line.split("\t") for line in terminal("uploads", "list", "--limit", "2", *there).out.splitlines()]
    assert [row[:4] for row in rows] == [
        [lake, "completed", sizes[0], "lake.jpg"],
        [sea, "completed", sizes[1], "sea.jpg"],
    ]
    assert terminal("uploads", "delete", sea, lake.removeprefix("upload://"), *there).code == 0
    listed = terminal("uploads", "list", "--state", "completed", "--json", *there).json
    assert {sea, lake} & {f"upload://{one['id']}" for one in listed} == set()
    again = terminal("uploads", "delete", sea, *there)
    assert (again.code, again.err) == (2, f"revela: no upload {sea.removeprefix('upload://')}\n")
    assert terminal("uploads", "list", "--state", "none", *there).code == 2


def test_a_file_that_is_not_what_its_name_says_is_refused_before_anybody_is_asked(
    terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"<html>")
    ran = terminal("upload", "a.jpg", *ANYBODY)
    assert (ran.code, ran.err) == (2, "revela: a.jpg: the file does not look like image/jpeg\n")


def test_an_upload_that_breaks_off_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["revela", "upload", "my holiday.mp4"])
    bars = UploadBars(None)
    lost = ConnectionFailed("no answer from http://a")
    with pytest.raises(ConnectionFailed), going_on_later(bars):
        raise lost
    bars.of("my holiday.mp4")(UploadProgress("sending", 1, 2))
    said = r"no answer from http://a; what was sent is kept, go on with: .*upload 'my holiday\.mp4'"
    with pytest.raises(ServerUnreachable, match=said), going_on_later(bars):
        raise lost
    with pytest.raises(Interrupted, match=r"go on with: .*upload 'my holiday\.mp4'"), going_on_later(bars):
        raise KeyboardInterrupt


def test_a_bar_is_drawn_from_a_files_first_byte_on_and_knows_no_question_marks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with upload_bars(quiet=False) as bars:
        show = bars.of("beach.jpg")
    assert capsys.readouterr().err == ""
    with upload_bars(quiet=False) as bars:
        show = bars.of("beach.jpg")
        show(UploadProgress("sending", 9, 9))
    drawn = capsys.readouterr().err
    assert ("beach.jpg" in drawn, "?" in drawn) == (True, False)


@slow
def test_pictures_of_this_machine_are_uploaded_once_and_named_for_their_files(server: Server, tmp_path: Path) -> None:
    beach = tmp_path / "beach.jpg"
    beach.write_bytes(photo(64, 48))
    address = "https://example.com/town.jpg"
    items = [{"id": "a", "image": str(beach)}, {"id": "b", "image": address}, {"id": "c", "image": str(beach)}]
    with server.client() as client:
        sent = with_uploads(client, {"operation": "img2vid", "items": items}, quiet=True)
        [first, second, third] = [item["image"] for item in sent["items"]]
        assert (first == third, first[:9], second) == (True, "upload://", address)
        assert first in [upload.media for upload in client.uploads(state="completed")]


@slow
def test_a_wrong_parameter_is_told_before_a_file_is_sent(
    terminal: Terminal, there: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "never.jpg").write_bytes(photo(64, 48) + b"never")
    for words, told in (
        (("img2vid", "--param", "fps=0"), "--param fps: "),
        (("img3vid",), "revela operations lists them"),
        (("img2vid", "--output-ttl", "5s"), "--output-ttl, in seconds: "),
    ):
        ran = terminal("submit", *words, "--image", "never.jpg", *there)
        assert (ran.code, told in ran.err, "upl_0" in ran.err) == (2, True, False), ran.err
    names = [one["name"] for one in terminal("uploads", "list", "--json", *there).json]
    assert "never.jpg" not in names
    ran = terminal("submit", "img2vid", "--image", "never.jpg", *there)
    assert (ran.code, ran.out[:4]) == (0, "job_")


def test_what_is_no_file_and_no_address_is_said(terminal: Terminal) -> None:
    ran = terminal("submit", "img2vid", "--image", "nowhere.jpg", *ANYBODY)
    possible = "name a file here, an https:// address, upload://ID or output://JOB/ITEM/SLOT"
    told = f"revela: --image nowhere.jpg: there is no file nowhere.jpg here; {possible}\n"
    assert (ran.code, ran.err) == (2, told)


def test_a_dry_run_uploads_nothing(terminal: Terminal) -> None:
    ran = terminal("submit", "img2vid", "--image", "beach.jpg", "--dry-run", *ANYBODY)
    assert ran.code == 2
    assert "upload beach.jpg first" in ran.err


@pytest.mark.parametrize(("words", "told"), [((".",), "is a directory"), (("a.jpg",), "no such file")])
def test_what_cannot_be_uploaded_is_said_before_anybody_is_asked(
    terminal: Terminal, words: tuple[str, ...], told: str
) -> None:
    ran = terminal("upload", *words, *ANYBODY)
    assert (ran.code, told in ran.err) == (2, True)

"""Files of this machine in the inputs of a job: found by the operation's schema, looked at, uploaded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from revela.failures import UsageFault
from revela.uploads.in_schema import Holds, Place, texts_in, with_places_replaced
from revela.uploads.local_file import check_sendable, local_path
from shared.catalogue import Catalogue
from shared.wire.media_input import MediaInput
from shared.wire.model import ClientModel
from tests.pictures import photo
from tests.revela.terminal import Terminal
from tests.served import Server, served

ANYBODY = ("--key", "rv_key", "--url", "http://127.0.0.1:9")
SUBTITLES = "1\n00:00:00,000 --> 00:00:01,000\nHello\n"
VIDEO = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
"""As much of a video as is looked at before a worker has it."""


class Layer(ClientModel):
    """Nested params."""

    photo: MediaInput
    more: list[MediaInput] = []


class Params(ClientModel):
    """Params with files everywhere, and texts that are none."""

    image: MediaInput
    layers: list[Layer] = []
    named: dict[str, MediaInput] = {}
    mask: MediaInput | None = None
    title: str = "beach"


def places(request: dict[str, Any], schema: dict[str, Any]) -> list[tuple[str, str, str, Holds]]:
    found: list[Place] = []

    def look(place: Place) -> str:
        found.append(place)
        return f"<{place.text}>"

    replaced = with_places_replaced(request, schema, look)
    texts = list(texts_in(request))
    assert list(texts_in(replaced)) == [
        f"<{text}>" if text in [place.text for place in found] else text for text in texts
    ]
    return [(place.pointer, place.field, place.text, place.holds) for place in found]


def test_files_are_found_wherever_the_schema_has_them() -> None:
    request = {
        "operation": "op",
        "defaults": {"mask": "a", "title": "b"},
        "items": [
            {"id": "x", "image": "c", "layers": [{"photo": "d", "more": ["e", "f"]}], "named": {"a/b": "g"}},
            {"id": "y", "image": 7, "layers": "h", "unknown": "i"},
            "j",
        ],
    }
    assert places(request, Params.model_json_schema()) == [
        ("/defaults/mask", "mask", "a", Holds.FILE),
        ("/items/0/image", "image", "c", Holds.FILE),
        ("/items/0/layers/0/photo", "photo", "d", Holds.FILE),
        ("/items/0/layers/0/more/0", "more", "e", Holds.FILE),
        ("/items/0/layers/0/more/1", "more", "f", Holds.FILE),
        ("/items/0/named/a~1b", "a/b", "g", Holds.FILE),
    ]
    assert places(request, {}) == []


def test_of_captions_the_video_is_a_file_and_the_subtitles_may_be_text() -> None:
    schema = Catalogue.discover()["caption"].params.model_json_schema()
    item = {"video": "v", "subtitles": "s", "tracks": [{"subtitles": "t", "title": "T"}], "style": "pop"}
    assert places({"operation": "caption", "input": {**item, "font": {"family": "Inter"}}}, schema) == [
        ("/input/video", "video", "v", Holds.FILE),
        ("/input/subtitles", "subtitles", "s", Holds.FILE_OR_TEXT),
        ("/input/tracks/0/subtitles", "subtitles", "t", Holds.FILE_OR_TEXT),
    ]


@pytest.mark.parametrize(
    ("text", "holds", "path"),
    [
        ("clip.mp4", Holds.FILE, "clip.mp4"),
        ("@clip.mp4", Holds.FILE, "clip.mp4"),
        ("@@clip.mp4", Holds.FILE, "@clip.mp4"),
        ("./@clip.mp4", Holds.FILE, "@clip.mp4"),
        ("/a/clip[1].mp4", Holds.FILE, "/a/clip[1].mp4"),
        ("~/clip.mp4", Holds.FILE, "HOME/clip.mp4"),
        ("", Holds.FILE, None),
        ("https://a/clip.mp4", Holds.FILE, None),
        ("upload://upl_1", Holds.FILE, None),
        ("pt.srt", Holds.FILE_OR_TEXT, "pt.srt"),
        ("@pt.srt", Holds.FILE_OR_TEXT, "pt.srt"),
        ("there[1].srt", Holds.FILE_OR_TEXT, "there[1].srt"),
        ("not-there[1].srt", Holds.FILE_OR_TEXT, None),
        (SUBTITLES, Holds.FILE_OR_TEXT, None),
        ('[{"word": "Hello"}]', Holds.FILE_OR_TEXT, None),
        ("[" * 5000, Holds.FILE_OR_TEXT, None),
    ],
)
def test_what_names_a_file_here(
    text: str, holds: Holds, path: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "HOME")
    Path("there[1].srt").write_text(SUBTITLES)
    assert local_path(Place(text, holds, "/input/x", "x")) == (None if path is None else Path(path))


@pytest.mark.parametrize(
    ("name", "field", "told"),
    [
        ("none.mp4", "video", "there is no file none.mp4 here; name a file here, an https:// address, upload://ID or"),
        (".", "video", ". is a directory"),
        ("pt.srt", "image", "pt.srt is application/x-subrip, which image does not take"),
        ("pt.srt", "audio", "pt.srt is application/x-subrip, which audio does not take"),
        ("clip.mp4", "image", "clip.mp4 is video/mp4, which image does not take"),
        ("clip.mp4", "subtitles", "clip.mp4 is video/mp4, which subtitles does not take"),
        ("clip", "video", "clip: its name does not say what it is"),
        ("page.jpg", "image", "page.jpg: the file does not look like image/jpeg"),
    ],
)
def test_what_can_t_be_sent_is_named_with_what_can(
    name: str, field: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for made, content in (("pt.srt", SUBTITLES.encode()), ("clip.mp4", VIDEO), ("clip", VIDEO), ("page.jpg", b"<p>")):
        Path(made).write_bytes(content)
    with pytest.raises(UsageFault) as refused:
        check_sendable(Path(name), field, "--param x")
    assert str(refused.value).startswith(f"--param x: {told}")


@pytest.mark.parametrize(
    ("name", "field"), [("pt.srt", "subtitles"), ("clip.mp4", "video"), ("clip.mp4", "audio"), ("clip.mp4", "unheard")]
)
def test_what_may_fit_is_left_to_the_server(name: str, field: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(VIDEO if name == "clip.mp4" else SUBTITLES.encode())
    check_sendable(tmp_path / name, field, "--param x")


def test_a_picture_that_is_none_is_refused_before_anybody_is_asked(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "pt.srt").write_text(SUBTITLES)
    ran = terminal("submit", "img2vid", "--image", "pt.srt", *ANYBODY)
    told = "revela: --image pt.srt: pt.srt is application/x-subrip, which image does not take\n"
    assert (ran.code, ran.err) == (2, told)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("server"), workers=0) as running:
        yield running


@pytest.fixture
def connected(terminal: Terminal, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal that knows the server, beside a video, subtitles, words and a photo."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("REVELA_URL", server.url)
    monkeypatch.setenv("REVELA_API_KEY", server.create_key())
    (tmp_path / "bikes.mp4").write_bytes(VIDEO)
    (tmp_path / "pt.srt").write_text(SUBTITLES)
    (tmp_path / "words.json").write_text('[{"word": "Hello", "start": 0.4, "end": 0.8}]')
    (tmp_path / "beach.jpg").write_bytes(photo(64, 48))
    return terminal


def uploaded(connected: Terminal) -> dict[str, str]:
    listed = connected("uploads", "list", "--state", "completed", "--json").json
    return {one["name"]: one["content_type"] for one in listed}


@pytest.mark.slow
def test_a_job_s_files_are_uploaded_with_a_bar(connected: Terminal) -> None:
    ran = connected("submit", "caption", "--param", "video=bikes.mp4", "--param", "subtitles=@pt.srt")
    assert (ran.code, ran.out[:4]) == (0, "job_"), ran.err
    assert ("bikes.mp4" in ran.err, "pt.srt" in ran.err) == (True, True)
    there = uploaded(connected)
    assert (there["bikes.mp4"], there["pt.srt"]) == ("video/mp4", "application/x-subrip")
    tracks = '[{"subtitles": "pt.srt", "language": "pt"}, {"subtitles": "@words.json"}]'
    ran = connected(
        "submit", "caption", "--param", "video=bikes.mp4", "--param", f"tracks={tracks}", "--param", "mode=soft"
    )
    assert (ran.code, ran.out[:4]) == (0, "job_"), ran.err
    assert uploaded(connected)["words.json"] == "application/json"


@pytest.mark.slow
def test_text_in_the_request_is_no_file(connected: Terminal) -> None:
    ran = connected(
        "submit", "caption", "--param", "video=https://example.com/a.mp4", "--param", f"subtitles={SUBTITLES}"
    )
    assert (ran.code, ran.out[:4]) == (0, "job_"), ran.err


@pytest.mark.slow
def test_files_in_a_list_of_items_are_uploaded(connected: Terminal, tmp_path: Path) -> None:
    (tmp_path / "items.json").write_text('[{"id": "a", "image": "beach.jpg"}, {"id": "b", "image": "@none.jpg"}]')
    ran = connected("submit", "img2vid", "--items", "items.json")
    assert (ran.code, "--items, item 2 (b) image: there is no file none.jpg here" in ran.err) == (2, True), ran.err
    assert "beach.jpg" not in uploaded(connected)
    (tmp_path / "items.json").write_text('[{"id": "a", "image": "beach.jpg"}]')
    ran = connected("submit", "img2vid", "--items", "items.json", "--param", "focus.x=0.2")
    assert (ran.code, "beach.jpg" in uploaded(connected)) == (0, True), ran.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("caption", "--param", "video=none.mp4"), "--param video: there is no file none.mp4 here; name a file here, "),
        (("caption", "--param", "video=pt.srt"), "--param video: pt.srt is application/x-subrip, which video does not"),
        (("caption", "--param", "video=bikes.mp4"), "either `subtitles` or `tracks` is needed"),
        (("caption", "--param", "video=bikes.mp4", "--dry-run"), "--dry-run uploads nothing; upload bikes.mp4 first"),
        (("img2vid", "--image", "beach.jpg", "--param", "focus.z=1"), "--param focus.z: unknown "),
        (
            ("caption", "--param", "video=bikes.mp4", "--param", "subtitles=@pt.srt", "--param", "font.famly=Inter"),
            "--param font.famly: unknown parameter famly; did you mean family?",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    words: tuple[str, ...], told: str, connected: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "bikes.mp4").write_bytes(VIDEO + b"never")
    before = connected("uploads", "list", "--json").json
    ran = connected("submit", *words)
    assert (ran.code, told in ran.err) == (2, True), ran.err
    assert connected("uploads", "list", "--json").json == before

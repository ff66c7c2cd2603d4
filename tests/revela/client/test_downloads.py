"""Files arrive whole and as they were made, however often the way is cut; and nowhere else than they should."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from revela import ConnectionFailed, DownloadDamaged, DownloadProgress, OutputView, SavedOutput
from revela.client.downloads.outputs import planned_outputs
from shared.wire.job import ItemView
from tests.cutting_proxy import CuttingProxy, cutting_proxy
from tests.revela.client.both import Caller
from tests.serving import serving

SIZE = 300_000
CONTENT = random.Random(1).randbytes(SIZE)


@contextmanager
def cut_files(folder: Path) -> Iterator[CuttingProxy]:
    """Serve the files of `folder`, with ETag and single ranges, behind a proxy that can cut."""
    asked: list[str] = []

    async def file(request: Request) -> Response:
        asked.append(request.headers.get("range", "all"))
        return FileResponse(folder / request.path_params["name"])

    async def moved(request: Request) -> Response:
        assert "x-api-key" not in request.headers
        return RedirectResponse(f"/{request.path_params['name']}", 307)

    async def no_ranges(request: Request) -> Response:
        asked.append("no ranges")
        return Response((folder / request.path_params["name"]).read_bytes())

    routes = [Route("/moved/{name}", moved), Route("/plain/{name}", no_ranges), Route("/{name}", file)]
    with serving(Starlette(routes=routes)) as url, cutting_proxy() as proxy:
        proxy.target = url
        yield proxy


def ranges_of(proxy: CuttingProxy) -> list[tuple[bytes, bytes]]:
    """Return (Range, If-Range) of each request that had them."""
    found = []
    for head in proxy.requests:
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n") if b": " in line)
        if b"Range" in fields:
            found.append((fields[b"Range"], fields.get(b"If-Range", b"")))
    return found


def output_of(url: str, content: bytes = CONTENT) -> OutputView:
    digest = hashlib.sha256(content).hexdigest()
    return OutputView(url=url, content_type="video/mp4", size_bytes=len(content), sha256=digest)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The file that is made, in a folder of its own."""
    (tmp_path / "made").mkdir()
    path = tmp_path / "made/video.mp4"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def test_a_download_that_is_cut_again_and_again_goes_on_where_it_broke_off(
    call: Caller, made: Path, here: Path
) -> None:
    with cut_files(made.parent) as proxy:
        proxy.cuts += [100_000] + [30_000] * 5
        saved = call(proxy.url, "download", output_of(f"{proxy.url}/moved/video.mp4"), here / "v.mp4")
        ranges = ranges_of(proxy)
    assert (saved.read_bytes(), proxy.cut) == (CONTENT, 6)
    starts = [int(asked.removeprefix(b"bytes=").removesuffix(b"-")) for asked, _ in ranges]
    assert starts == sorted(starts)
    assert starts[0] > 50_000
    assert all(if_range.startswith(b'"') for _, if_range in ranges)
    assert [path.name for path in here.iterdir()] == ["v.mp4"]


def test_a_later_call_goes_on_too(call: Caller, made: Path, here: Path) -> None:
    with cut_files(made.parent) as proxy:
        output = output_of(f"{proxy.url}/video.mp4")
        proxy.cuts += [150_000] + [0] * 10
        with pytest.raises(ConnectionFailed):
            call(proxy.url, "download", output, here / "v.mp4")
        assert sorted(path.name for path in here.iterdir()) == [".v.mp4.part", ".v.mp4.part.etag"]
        arrived = (here / ".v.mp4.part").stat().st_size
        proxy.cuts.clear()
        proxy.requests.clear()
        seen: list[int] = []
        call(proxy.url, "download", output, here / "v.mp4", on_bytes=seen.append)
        [(asked, _)] = ranges_of(proxy)
    assert 100_000 < arrived < SIZE
    assert asked == f"bytes={arrived}-".encode()
    assert (seen[0], seen[-1]) == (arrived, SIZE)
    assert (here / "v.mp4").read_bytes() == CONTENT
    assert len(list(here.iterdir())) == 1


def test_what_changed_meanwhile_is_never_put_together_with_what_was(call: Caller, made: Path, here: Path) -> None:
    with cut_files(made.parent) as proxy:
        proxy.cuts += [150_000] + [0] * 10
        with pytest.raises(ConnectionFailed):
            call(proxy.url, "download", output_of(f"{proxy.url}/video.mp4"), here / "v.mp4")
        proxy.cuts.clear()
        changed = CONTENT[::-1]
        made.write_bytes(changed)
        call(proxy.url, "download", output_of(f"{proxy.url}/video.mp4", changed), here / "v.mp4")
    assert (here / "v.mp4").read_bytes() == changed


def test_a_part_that_was_spoilt_here_is_fetched_again(call: Caller, made: Path, here: Path) -> None:
    with cut_files(made.parent) as proxy:
        output = output_of(f"{proxy.url}/video.mp4")
        proxy.cuts += [150_000] + [0] * 10
        with pytest.raises(ConnectionFailed):
            call(proxy.url, "download", output, here / "v.mp4")
        proxy.cuts.clear()
        part = here / ".v.mp4.part"
        part.write_bytes(bytes(part.stat().st_size))
        call(proxy.url, "download", output, here / "v.mp4")
        part.write_bytes(bytes(SIZE))
        (here / "v.mp4").unlink()
        call(proxy.url, "download", output, here / "v.mp4")
    assert (here / "v.mp4").read_bytes() == CONTENT


def test_a_server_without_ranges_is_asked_for_all_of_it(call: Caller, made: Path, here: Path) -> None:
    with cut_files(made.parent) as proxy:
        proxy.cuts += [150_000]
        call(proxy.url, "download", output_of(f"{proxy.url}/plain/video.mp4"), here / "v.mp4")
        assert (here / "v.mp4").read_bytes() == CONTENT
        assert ranges_of(proxy) == []


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"x", CONTENT + b"x"], ids=["other", "longer"])
def test_what_is_not_as_it_was_made_leaves_nothing(call: Caller, made: Path, here: Path, content: bytes) -> None:
    made.write_bytes(content)
    with cut_files(made.parent) as proxy, pytest.raises(DownloadDamaged):
        call(proxy.url, "download", output_of(f"{proxy.url}/video.mp4"), here / "v.mp4")
    assert list(here.iterdir()) == []


def test_what_is_here_already_is_not_fetched_and_another_file_stays(call: Caller, made: Path, here: Path) -> None:
    with cut_files(made.parent) as proxy:
        output = output_of(f"{proxy.url}/video.mp4")
        (here / "v.mp4").write_bytes(CONTENT)
        assert call(proxy.url, "download", output, here / "v.mp4") == here / "v.mp4"
        assert proxy.requests == []
        (here / "v.mp4").write_bytes(CONTENT[::-1])
        (here / "v-2.mp4").symlink_to("nowhere")
        assert call(proxy.url, "download", output, here / "v.mp4") == here / "v-3.mp4"
        proxy.requests.clear()
        assert call(proxy.url, "download", output, here / "v.mp4") == here / "v-3.mp4"
        assert proxy.requests == []
    assert ((here / "v.mp4").read_bytes(), (here / "v-3.mp4").read_bytes()) == (CONTENT[::-1], CONTENT)
    assert (here / "v-2.mp4").is_symlink()


def test_another_file_s_output_takes_no_other_output_s_name(call: Caller, made: Path, here: Path) -> None:
    (made.parent / "short.mp4").write_bytes(CONTENT[:9])
    (here / "v.mp4").write_bytes(b"precious")
    with cut_files(made.parent) as proxy:
        planned = [
            SavedOutput("v", "video", output_of(f"{proxy.url}/video.mp4"), here / "v.mp4"),
            SavedOutput("v-2", "video", output_of(f"{proxy.url}/short.mp4", CONTENT[:9]), here / "v-2.mp4"),
        ]
        for _ in range(2):
            saved = call(proxy.url, "download_outputs", planned, concurrency=1)
            assert [one.path.name for one in saved] == ["v-3.mp4", "v-2.mp4"]
    assert {path.name: path.read_bytes() for path in here.iterdir()} == {
        "v.mp4": b"precious",
        "v-2.mp4": CONTENT[:9],
        "v-3.mp4": CONTENT,
    }


def test_many_files_arrive_at_once_and_one_that_fails_ends_them_all(call: Caller, made: Path, here: Path) -> None:
    contents = [CONTENT[n * 1000 :] for n in range(6)]
    for n, content in enumerate(contents):
        (made.parent / f"{n}.mp4").write_bytes(content)
    seen: list[DownloadProgress] = []
    with cut_files(made.parent) as proxy:
        planned = [
            SavedOutput(f"i{n}", "video", output_of(f"{proxy.url}/{n}.mp4", content), here / f"{n}.mp4")
            for n, content in enumerate(contents)
        ]
        proxy.cuts += [50_000, 60_000]
        assert call(proxy.url, "download_outputs", planned, concurrency=3, on_progress=seen.append) == planned
        assert [saved.path.read_bytes() for saved in planned] == contents
        assert seen[-1] == DownloadProgress(6, 6, sum(map(len, contents)), sum(map(len, contents)))
        assert [progress.files_done for progress in seen] == sorted(progress.files_done for progress in seen)
        wrong = SavedOutput("x", "video", output_of(f"{proxy.url}/1.mp4", contents[1][::-1]), here / "x.mp4")
        with pytest.raises(DownloadDamaged):
            call(proxy.url, "download_outputs", [wrong, *planned], concurrency=1)
    assert not (here / "x.mp4").exists()


def item(item_id: str, *urls: str) -> ItemView:
    output = {f"slot/{n}": output_of(url) for n, url in enumerate(urls)}
    return ItemView.model_validate({"id": item_id, "status": "COMPLETED", "output": output})


def test_no_name_leads_out_of_the_folder_and_none_is_given_twice(tmp_path: Path) -> None:
    items = [
        item("../../etc/passwd", "http://h/output/t/a.mp4"),
        item("A", "http://h/a.mp4", "http://h/a.vtt"),
        item("a", "http://h/a.mp4/../.bashrc"),
        item("none"),
        item("..", "http://h/a.mp4%00.sh"),
    ]
    names = [saved.path.relative_to(tmp_path) for saved in planned_outputs(items, tmp_path)]
    assert list(map(str, names)) == ["etc-passwd.mp4", "A.slot-0.mp4", "A.slot-1.vtt", "a-2", "item.sh"]


def test_a_link_that_does_not_answer_with_a_file_is_told(call: Caller, here: Path) -> None:
    async def refuse(_request: Request) -> Response:
        return PlainTextResponse("<Error/>", 403)

    with serving(Starlette(routes=[Route("/a", refuse)])) as url, pytest.raises(Exception, match="answered 403"):
        call(url, "download", output_of(f"{url}/a"), here / "v.mp4")
    assert list(here.iterdir()) == []

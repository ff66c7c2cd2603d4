"""Running the demo from its first picture to its last process."""

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from revela.called_as import called_as
from revela.client.blocking import Client
from revela.demo.batch import FULL, QUICK, Size, batch_request, readable_photos
from revela.demo.outcome import Outcome, SavedVideo, print_outcome, print_outcome_json
from revela.demo.photo_server import serving_photos
from revela.demo.pictures import draw_pictures
from revela.demo.server_process import RunningServer, running_server
from revela.demo.video_check import decoded_frames
from revela.failures import JobNotCompleted, SomethingBroken
from revela.jobs.live_bar import live_bar
from revela.jobs.save import make_folder, save_outputs
from shared.wire.job import ItemView, JobView
from shared.wire.status import Status


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the demo was asked for."""

    photos: Sequence[Path]
    output: Path
    keep: bool
    quick: bool
    as_json: bool

    @property
    def size(self) -> Size:
        """How large it shall be."""
        return QUICK if self.quick else FULL


def run_demo(wishes: Wishes) -> None:
    """Show it all. JobNotCompleted or SomethingBroken if anything in it went wrong; no process stays behind."""
    console = Console(highlight=False, soft_wrap=False, stderr=wishes.as_json)
    own = readable_photos(wishes.photos)
    make_folder(wishes.output)
    with _ending_on_signals(), _folder(keep=wishes.keep) as folder, ExitStack() as stack:
        started_s = time.monotonic()
        photos = own or _draw(folder, wishes.size, console)
        drawn_s = time.monotonic()
        photo_server = stack.enter_context(serving_photos(photos))
        settings = {"REVELA_ALLOW_PRIVATE_SOURCES": photo_server.authority, "REVELA_LOG_FORMAT": "json"}
        with console.status("starting the server"):
            server = stack.enter_context(running_server(folder / "data", workers=1, settings=settings))
            key = server.create_key("demo", "demo")
        client = stack.enter_context(Client(server.url, key))
        ready_s = time.monotonic()
        job = _follow(client, client.submit(batch_request(photos, photo_server.urls, wishes.size)), wishes)
        ended_s = time.monotonic()
        with console.status("decoding every frame to check it"):
            videos = _save(client, job, wishes.output)
        timings_s = {
            "pictures": drawn_s - started_s,
            "start": ready_s - drawn_s,
            "job": ended_s - ready_s,
            "download and check": time.monotonic() - ended_s,
        }
        outcome = Outcome(job, videos, {step: round(seconds, 3) for step, seconds in timings_s.items()})
        _tell(outcome, server if wishes.keep else None, key, wishes, console)
        if wishes.keep:
            with suppress(KeyboardInterrupt):
                signal.pause()
    _judge(outcome)


def _draw(folder: Path, size: Size, console: Console) -> list[Path]:
    with console.status("drawing pictures"):
        return draw_pictures(folder, size.picture_pixels, size.pictures)


def _follow(client: Client, job: JobView, wishes: Wishes) -> JobView:
    with nullcontext(None) if wishes.as_json else live_bar() as bar:
        job = client.wait(job.id, None if bar is None else bar.show)
    return job.model_copy(update={"items": list(client.items(job.id))})


def _save(client: Client, job: JobView, output: Path) -> list[SavedVideo]:
    finished = [item for item in job.items if item.status is Status.COMPLETED]
    saved = save_outputs(client, finished, output)
    return [_checked(item, saved[item.output["video"].url]) for item in finished]


def _checked(item: ItemView, path: Path) -> SavedVideo:
    video = item.output["video"]
    expected = (video.model_extra or {}).get("frames", 0)
    return SavedVideo(item.id, path, path.stat().st_size, decoded_frames(path), expected)


def _tell(outcome: Outcome, kept: RunningServer | None, key: str, wishes: Wishes, console: Console) -> None:
    if wishes.as_json:
        serving = {"url": kept.url, "key": key, "data_dir": str(kept.data_dir)} if kept else None
        print_outcome_json(outcome, serving)
        return
    print_outcome(outcome, console)
    if kept is not None:
        console.print(
            f"Still serving; Ctrl-C ends it. Its data stays in {kept.data_dir}\n"
            f"  export REVELA_URL={kept.url} REVELA_API_KEY={key}\n  {called_as()} job {outcome.job.id}",
            soft_wrap=True,
        )


def _judge(outcome: Outcome) -> None:
    if outcome.job.status is not Status.COMPLETED:
        raise JobNotCompleted(f"{outcome.job.id} is {outcome.job.status.value}")
    unsound = [video.item for video in outcome.videos if not video.sound]
    if unsound:
        raise SomethingBroken(f"not every frame of {', '.join(unsound)} could be decoded")


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    """Make a folder for pictures and data; it goes away at the end unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="revela-demo-"))
    try:
        (folder / "data").mkdir()
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Let a terminated demo end as an interrupted one does: by way of every `finally`."""

    def end(signal_number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(128 + signal_number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""A bar of what was read and sent of files, on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from revela.client.uploads.sending import OnUpload, UploadProgress


class KnownSpeed(TransferSpeedColumn):
    """The speed of a transfer; nothing where that was over too soon to have one."""

    def render(self, task: Task) -> Text:
        """Return the speed."""
        return Text("") if (task.finished_speed or task.speed) is None else super().render(task)


def columns_of_bytes() -> tuple[ProgressColumn, ...]:
    """Return what a bar of bytes shows."""
    return TextColumn("{task.description}"), BarColumn(), DownloadColumn(), KnownSpeed(), TimeRemainingColumn()


class UploadBars:
    """One bar for each file, from its first byte on."""

    def __init__(self, progress: Progress | None) -> None:
        """Draw in `progress`; nothing where that is None."""
        self._progress = progress
        self.any_sent = False
        """Whether some of a file was sent, so that an upload can be gone on with."""

    def of(self, name: str) -> OnUpload:
        """Return what is told how far a file is."""
        stage, bar = "sending", None

        def show(told: UploadProgress) -> None:
            nonlocal stage, bar
            self.any_sent |= told.stage == "sending"
            progress = self._progress
            if progress is None:
                return
            if bar is None:
                progress.start()
                bar = progress.add_task(escape(name), total=None)
            if told.stage != stage:
                stage = told.stage
                progress.reset(bar)  # else the speed of the reading would be taken for that of the sending
            described = f"{escape(name)} ({told.stage})" if told.stage == "reading" else escape(name)
            progress.update(bar, description=described, completed=told.bytes_done, total=told.bytes_total)

        return show


@contextmanager
def upload_bars(*, quiet: bool) -> Iterator[UploadBars]:
    """Show bars until the block ends, unless `quiet`; nothing where nothing is read or sent."""
    if quiet:
        yield UploadBars(None)
        return
    progress = Progress(*columns_of_bytes(), console=Console(stderr=True))
    try:
        yield UploadBars(progress)
    finally:
        if progress.live.is_started:
            progress.stop()

"""A live bar of a job's real progress, on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from revela.client.errors import ClientError
from revela.jobs.display import BEING_CANCELLED
from shared.wire.job import JobView
from shared.wire.status import Status


class LiveBar:
    """What is told to the bar: each state of the job as it is seen, and that nobody answers."""

    def __init__(self, progress: Progress) -> None:
        """Add the bar to `progress`."""
        self._progress = progress
        self._bar = progress.add_task("queued", total=100, items="")
        self._away = False

    def show(self, job: JobView) -> None:
        """Show how far the job is."""
        self._away = False
        if not job.status.terminal:
            self._progress.start()
        ended = job.summary.succeeded + job.summary.failed
        items = f"{ended}/{job.summary.total} items"
        self._progress.update(self._bar, completed=_percent(job), description=_stage(job), items=items)

    def away(self, _error: ClientError) -> None:
        """Show that the server is away; where no bar can be drawn, one line says it."""
        self._progress.start()
        if not self._away and not self._progress.console.is_terminal:
            self._progress.console.print("server away, waiting")
        self._away = True
        self._progress.update(self._bar, description="server away, waiting")


@contextmanager
def live_bar() -> Iterator[LiveBar]:
    """Show a bar until the block ends, from when there is something to wait for."""
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[items]}"),
        TimeElapsedColumn(),
    )
    progress = Progress(*columns, console=Console(stderr=True))
    try:
        yield LiveBar(progress)
    finally:
        if progress.live.is_started:
            progress.stop()


def _percent(job: JobView) -> float:
    if job.status.terminal:
        return 100
    return job.progress.percent if job.progress else 0


def _stage(job: JobView) -> str:
    if job.status.terminal:
        return job.status.value.lower().replace("_", " ")
    if job.status is Status.IN_QUEUE:
        return "queued"
    stage = (job.progress and job.progress.stage) or "started"
    return BEING_CANCELLED if stage == "cancel" else stage

"""Jobs on the terminal: as JSON, as tables, and as a live bar from real progress."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared.wire.job import ItemView, JobView
from shared.wire.status import Status

Report = Callable[[JobView], None]

_COLOURS = {
    Status.COMPLETED: "green",
    Status.COMPLETED_WITH_ERRORS: "yellow",
    Status.FAILED: "red",
    Status.TIMED_OUT: "red",
    Status.CANCELLED: "yellow",
}


def print_json(value: BaseModel | Iterable[BaseModel]) -> None:
    """Write a model, or a list of them, as JSON to standard output."""
    plain = (
        value.model_dump(mode="json") if isinstance(value, BaseModel) else [v.model_dump(mode="json") for v in value]
    )
    sys.stdout.write(json.dumps(plain, indent=2) + "\n")


def print_job(job: JobView, items: Iterable[ItemView]) -> None:
    """Write what a person wants to know of a job: its state, then each item with its links or its error."""
    console = _console()
    console.print(f"{job.id}  {job.operation}  {_coloured(job.status)}  {_progress_text(job)}")
    if job.error is not None:
        console.print(f"[red]{job.error.code}[/red]: {escape(job.error.detail)}")
    table = Table(box=None, pad_edge=False)
    for heading in ("item", "status", "result"):
        table.add_column(heading, overflow="fold")
    for item in items:
        table.add_row(item.id, _coloured(item.status), escape(_result_text(item)))
    console.print(table)


def print_jobs(jobs: Iterable[JobView]) -> None:
    """Write one line per job."""
    table = Table(box=None, pad_edge=False)
    for heading in ("job", "operation", "status", "items", "created"):
        table.add_column(heading)
    for job in jobs:
        done = f"{job.summary.succeeded}/{job.summary.total}"
        table.add_row(job.id, job.operation, _coloured(job.status), done, f"{job.created_at:%Y-%m-%d %H:%M:%S}")
    _console().print(table)


@contextmanager
def live_bar() -> Iterator[Report]:
    """Show a bar on standard error; what is yielded takes each state of the job as it is seen."""
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[items]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("queued", total=100, items="")

        def report(job: JobView) -> None:
            ended = job.summary.succeeded + job.summary.failed
            items = f"{ended}/{job.summary.total} items"
            progress.update(bar, completed=_percent(job), description=_stage(job), items=items)

        yield report


def _percent(job: JobView) -> float:
    if job.status.terminal:
        return 100
    return job.progress.percent if job.progress else 0


def _stage(job: JobView) -> str:
    if job.status.terminal:
        return job.status.value.lower().replace("_", " ")
    if job.status is Status.IN_QUEUE:
        return "queued"
    return (job.progress and job.progress.stage) or "started"


def _progress_text(job: JobView) -> str:
    if job.progress is not None and not job.status.terminal:
        return f"{job.progress.percent:.0f} %, {job.progress.items_done} of {job.progress.items_total} items"
    return f"{job.summary.succeeded} of {job.summary.total} items"


def _result_text(item: ItemView) -> str:
    if item.error is not None:
        return f"{item.error.code}: {item.error.detail}"
    return "\n".join(output.url for output in item.output.values())


def _coloured(status: Status) -> str:
    colour = _COLOURS.get(status, "cyan")
    return f"[{colour}]{status.value}[/{colour}]"


def _console() -> Console:
    return Console(highlight=False)

"""Jobs on the terminal: as JSON, and as rows whose ids and links can be copied."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from revela.called_as import called_as
from revela.jobs.data import data_lines
from revela.keeping.kept import dead_link, kept_text
from revela.rows import Cell, one_line, print_rows
from shared.wire.job import ItemView, JobView, ListedJob, OutputView
from shared.wire.status import Status

Saved = Mapping[str, Path]
"""Where an output was saved, by its URL."""

BEING_CANCELLED = "being cancelled"
"""What is said of a job whose workers are told to stop, until they have."""

_COLOURS = {
    Status.COMPLETED: "green",
    Status.COMPLETED_WITH_ERRORS: "yellow",
    Status.FAILED: "red",
    Status.TIMED_OUT: "red",
    Status.CANCELLED: "yellow",
}


def print_json(value: BaseModel | Iterable[BaseModel], saved: Saved | None = None) -> None:
    """Write a model, or a list of them, as JSON to standard output; a job with its saved `files` beside the rest."""
    plain = (
        value.model_dump(mode="json") if isinstance(value, BaseModel) else [v.model_dump(mode="json") for v in value]
    )
    if saved is not None and isinstance(plain, dict):
        plain["files"] = [str(path) for path in saved.values()]
    sys.stdout.write(json.dumps(plain, indent=2) + "\n")


def print_job(job: JobView, saved: Saved) -> None:
    """Write a job's state, then its items with their links, saved files and errors, or with what they report.

    On a terminal the items' figures come first and each link on a line of its own after them, and what items without
    files report. Else the state goes to standard error, and each output is one row: item, status, seconds, bytes, URL
    or error or reported data as JSON, saved file. In the place of a link that leads nowhere any more stands why.
    """
    on_terminal, now = sys.stdout.isatty(), datetime.now(UTC)
    _print_state(job, now, Console(stderr=not on_terminal, highlight=False, soft_wrap=True))
    if not on_terminal:
        print_rows(row for item in job.items for row in _bare_rows(job, item, saved, now))
        return
    print_rows([_figures(item) for item in job.items], ("item", "status", "seconds", "size"))
    results = [(item.id, line) for item in job.items for line in _results(job, item, saved, now)]
    if results:
        print()
        print_rows(results)
    _print_data(job)


def print_jobs(jobs: Iterable[ListedJob]) -> None:
    """Write one row per job: id, operation, status, items done of all, time of creation (UTC)."""
    rows = [
        (
            job.id,
            job.operation,
            _coloured(job.status),
            f"{job.summary.succeeded}/{job.summary.total}",
            f"{job.created_at:%Y-%m-%d %H:%M:%S}",
        )
        for job in jobs
    ]
    print_rows(rows, ("job", "operation", "status", "items", "created"))


def _print_state(job: JobView, now: datetime, console: Console) -> None:
    console.print(Text(f"{job.id}  {job.operation}  ") + _coloured(job.status) + Text(f"  {_progress_text(job)}"))
    has_outputs = any(item.output for item in job.items)
    if kept := kept_text(job, now, has_outputs=has_outputs):
        console.print(one_line(kept))
    if job.error is not None:
        console.print(f"[red]{job.error.code}[/red]: {escape(job.error.detail)}")


def _print_data(job: JobView) -> None:
    """Write what items without files report, and where there is any, how to get the whole of it."""
    lines = [*data_lines(job.items)]
    if lines:
        told = [*lines, "", f"as JSON, with all of it: {called_as()} job {job.id} --json"]
        Console(highlight=False, soft_wrap=True).print(Text("\n").join([Text(), *map(one_line, told)]))


def _figures(item: ItemView) -> Sequence[Cell]:
    outputs = list(item.output.values())
    size = f"{sum(output.size_bytes for output in outputs) / 1e6:.1f} MB" if outputs else ""
    return item.id, _coloured(item.status), next(filter(None, map(_seconds, outputs)), ""), size


def _results(job: JobView, item: ItemView, saved: Saved, now: datetime) -> Iterable[str]:
    if item.error is not None:
        yield f"{item.error.code}: {item.error.detail}"
    for output in item.output.values():
        yield dead_link(job, output, now) or output.url
        if output.url in saved:
            yield f"saved as {saved[output.url]}"


def _bare_rows(job: JobView, item: ItemView, saved: Saved, now: datetime) -> Iterable[Sequence[str]]:
    for output in item.output.values():
        path = str(saved.get(output.url, ""))
        link = dead_link(job, output, now) or output.url
        yield item.id, item.status.value, _seconds(output), str(output.size_bytes), link, path
    if not item.output:
        reported = json.dumps(item.result) if item.result else ""
        error = f"{item.error.code}: {item.error.detail}" if item.error else reported
        yield item.id, item.status.value, "", "", error, ""


def _seconds(output: OutputView) -> str:
    duration_s = (output.model_extra or {}).get("duration_s")
    return f"{duration_s:.1f}" if isinstance(duration_s, int | float) else ""


def _progress_text(job: JobView) -> str:
    if job.progress is not None and not job.status.terminal:
        ending = f"{BEING_CANCELLED}, " if job.progress.stage == "cancel" else ""
        return f"{ending}{job.progress.percent:.0f} %, {job.progress.items_done} of {job.progress.items_total} items"
    return f"{job.summary.succeeded} of {job.summary.total} items"


def _coloured(status: Status) -> Text:
    return Text(status.value, _COLOURS.get(status, "cyan"))

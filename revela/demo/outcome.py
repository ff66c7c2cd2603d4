"""What the demo ends with: the job, the files that were saved, how long it took; as a table or as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.wire.job import ItemView, JobView


@dataclass(frozen=True, slots=True)
class SavedVideo:
    """One downloaded output and what came out when all of it was decoded."""

    item: str
    path: Path
    size_bytes: int
    frames: int
    frames_expected: int

    @property
    def sound(self) -> bool:
        """Whether every frame could be decoded and none is missing."""
        return self.frames == self.frames_expected > 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole run; `timings_s` are seconds by step."""

    job: JobView
    videos: list[SavedVideo]
    timings_s: dict[str, float]


def print_outcome_json(outcome: Outcome, server: dict[str, str] | None) -> None:
    """Write one object: `job`, `files`, `timings_s`, and `server` while it is kept running."""
    document: dict[str, object] = {
        "job": outcome.job.model_dump(mode="json"),
        "files": [str(video.path) for video in outcome.videos],
        "timings_s": outcome.timings_s,
    }
    if server is not None:
        document["server"] = server
    print(json.dumps(document, indent=2), flush=True)


def print_outcome(outcome: Outcome, console: Console) -> None:
    """Write the table of items, then the timings."""
    saved = {video.item: video for video in outcome.videos}
    table = Table(title=f"{outcome.job.id}: {outcome.job.status.value}", title_justify="left")
    for heading in ("item", "seconds", "size", "encoder", "check", "saved as"):
        table.add_column(heading, overflow="fold", justify="right" if heading in ("seconds", "size") else "left")
    for item in outcome.job.items:
        table.add_row(*_row(item, saved.get(item.id)))
    console.print(table)
    if outcome.videos:
        console.print(f"saved in {outcome.videos[0].path.parent}", soft_wrap=True)
    console.print(", ".join(f"{step} {seconds:.1f} s" for step, seconds in outcome.timings_s.items()))


def _row(item: ItemView, video: SavedVideo | None) -> list[str]:
    if video is None:
        fault = f"{item.error.code}: {item.error.detail}" if item.error else item.status.value
        return [item.id, "", "", "", "[red]✗[/red]", escape(fault)]
    facts = item.output["video"].model_extra or {}
    encoder = (item.result.get("encoder") or {}).get("name", "")
    check = f"[green]{video.frames} frames ✓[/green]" if video.sound else f"[red]{video.frames} frames ✗[/red]"
    size = f"{video.size_bytes / 1e6:.1f} MB"
    return [item.id, f"{facts.get('duration_s', 0):.1f}", size, encoder, check, escape(video.path.name)]

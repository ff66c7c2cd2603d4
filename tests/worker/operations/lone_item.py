"""The surroundings of one item without a task around it: a folder, and a record of what was reported."""

from dataclasses import dataclass, field
from pathlib import Path

from shared.wire.media_input import MediaInput
from worker.context import CancelFlag, LocalFile


@dataclass
class LoneItem:
    """A worker.context.Context on a folder; every media input is the one `source`, but those in `others`."""

    source: Path
    folder: Path
    threads: int = 1
    cancel: CancelFlag = field(default_factory=CancelFlag)
    reports: list[tuple[str, float]] = field(default_factory=list)
    others: dict[str, Path] = field(default_factory=dict)

    def input(self, media: MediaInput) -> LocalFile:
        """Return the source, or the other file of that address."""
        path = self.others.get(media, self.source)
        return LocalFile(path, path.stat().st_size)

    def output(self, slot: str) -> Path:
        """Return a path named like the slot."""
        return self.folder / f"{slot}.mp4"

    def further(self, slot: str) -> Path:
        """Return a path named like the slot."""
        return self.output(slot)

    def scratch(self, name: str) -> Path:
        """Return a path beside the outputs."""
        return self.folder / name

    def progress(self, stage: str, fraction: float) -> None:
        """Remember the report."""
        self.reports.append((stage, fraction))

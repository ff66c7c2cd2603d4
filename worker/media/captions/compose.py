"""From subtitles and wishes to the one ASS file that ffmpeg is given."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shared.captions.appearance import Appearance
from worker.media.captions.drawing.ass import document
from worker.media.captions.drawing.faces import typeface
from worker.media.captions.drawing.layout import Layout
from worker.media.captions.drawing.letters import Letters, is_bold
from worker.media.captions.drawing.motion import Drawing
from worker.media.captions.reading.cue import Cue, Subtitles
from worker.media.captions.reading.wording import reworded


@dataclass(frozen=True, slots=True)
class Composed:
    """A whole ASS file, and what is to be told of it."""

    text: str
    screens: int
    cues: int
    words: int
    missing_glyphs: list[str]
    """Characters that no bundled font has; each is shown as an empty box."""
    changes: Counter[str]


def compose(subtitles: Subtitles, asked: Appearance, width: int, height: int, until_ms: int | None = None) -> Composed:
    """Return what draws the subtitles on frames of this size; those after `until_ms`, the video's end, are left out."""
    cues, changes = wanted(subtitles, asked, until_ms)
    face = typeface(asked.font.family, bold=is_bold(asked.font))
    layout = Layout(width, height, asked, face)
    drawing = Drawing(asked, Letters(asked, layout.size))
    screens = list(layout.placed(cues))
    changes["overlaps-closed"] += layout.overlaps
    changes["moved-into-the-frame"] += layout.moved
    events = [event for screen in screens for event in drawing.events(screen)]
    return Composed(
        text=document(width, height, drawing.letters.style(), events),
        screens=len(screens),
        cues=len(cues),
        words=_count(cues),
        missing_glyphs=face.missing(word.text for cue in cues for word in cue.words),
        changes=+changes,
    )


def wanted(subtitles: Subtitles, asked: Appearance, until_ms: int | None) -> tuple[list[Cue], Counter[str]]:
    """Return the cues that begin before the end, in the words that are asked for, and what was changed so far."""
    changes = Counter(subtitles.changes)
    cues = [cue for cue in subtitles.cues if until_ms is None or cue.start_ms < until_ms]
    changes["cues-after-the-end"] += len(subtitles.cues) - len(cues)
    return reworded(cues, asked), +changes


def _count(cues: Sequence[Cue]) -> int:
    return sum(len(cue.words) for cue in cues)

"""From subtitles and wishes to the one ASS file that ffmpeg is given."""

from collections import Counter
from dataclasses import dataclass

from shared.captions.appearance import Appearance
from worker.media.captions.drawing.ass import document
from worker.media.captions.drawing.faces import typeface
from worker.media.captions.drawing.layout import Layout
from worker.media.captions.drawing.motion import Drawing
from worker.media.captions.reading.cue import Subtitles
from worker.media.captions.reading.wording import reworded


@dataclass(frozen=True, slots=True)
class Composed:
    """A whole ASS file, and what is to be told of it."""

    text: str
    screens: int
    words: int
    missing_glyphs: list[str]
    """Characters that no bundled font has; each is shown as an empty box."""
    changes: Counter[str]


def compose(subtitles: Subtitles, asked: Appearance, width: int, height: int, until_ms: int | None = None) -> Composed:
    """Return what draws the subtitles on frames of this size; those after `until_ms`, the video's end, are left out."""
    changes = Counter(subtitles.changes)
    cues = [cue for cue in subtitles.cues if until_ms is None or cue.start_ms < until_ms]
    changes["cues-after-the-end"] += len(subtitles.cues) - len(cues)
    cues = reworded(cues, asked)
    family = asked.font.family
    face = typeface(family, bold=Drawing(asked, 1).bold)
    layout = Layout(width, height, asked, face)
    drawing = Drawing(asked, layout.size)
    screens = list(layout.placed(cues))
    changes["overlaps-closed"] += layout.overlaps
    events = [event for screen in screens for event in drawing.events(screen)]
    return Composed(
        text=document(width, height, drawing.lettering(), events),
        screens=len(screens),
        words=sum(len(cue.words) for cue in cues),
        missing_glyphs=face.missing(word.text for cue in cues for word in cue.words),
        changes=+changes,
    )

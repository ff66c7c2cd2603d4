"""Where on the frame text may stand: inside the frame and what an app leaves free of it, and clear of other text."""

from dataclasses import dataclass, field, replace

from shared.captions.appearance import Appearance, Style
from shared.captions.safe_areas import insets

_WIDEST_EDGE = 0.1
"""Of a frame's width or height: what outlines and boxes may take of the room for letters."""

_OVERHANG = 0.1
"""How far letters may reach out of their line, in ems."""


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the frame, in pixels."""

    left: float
    right: float
    top: float
    bottom: float

    @property
    def width(self) -> float:
        """How wide it is."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """How high it is."""
        return self.bottom - self.top

    def across(self, left: float, right: float) -> float:
        """Return how far what reaches from `left` to `right` is to be moved to be inside."""
        return _moved(left, right, self.left, self.right)

    def down(self, top: float, bottom: float) -> float:
        """Return how far what reaches from `top` to `bottom` is to be moved to be inside."""
        return _moved(top, bottom, self.top, self.bottom)


def _moved(start: float, end: float, least: float, most: float) -> float:
    if end - start > most - least:
        return (least + most - start - end) / 2
    return max(0.0, least - start) - max(0.0, end - most)


def inside(width: int, height: int, size: float, asked: Appearance) -> Area:
    """Return where letters of this size may stand at all: what is around them is to be inside too."""
    edges, inset = asked.edges, insets(asked.position.safe_area)
    boxes = 1.5 if asked.colours.background is not None else 1.0 if asked.style is Style.BOX else 0.0
    around = (edges.outline_percent + edges.shadow_percent + boxes * edges.padding_percent) / 100
    x = min(size * (around + _OVERHANG), _WIDEST_EDGE * width)
    y = min(size * (around / 2 + _OVERHANG), _WIDEST_EDGE * height)
    return Area(
        left=max(x, width * inset.left),
        right=width - max(x, width * inset.right),
        top=max(y, height * inset.top),
        bottom=height - max(y, height * inset.bottom),
    )


def usual(width: int, height: int, inner: Area, asked: Appearance) -> Area:
    """Return where text stands that isn't put elsewhere: `inner` without the margins."""
    x, y = (
        part / 100 * whole
        for part, whole in ((asked.position.margin_x_percent, width), (asked.position.margin_y_percent, height))
    )
    return replace(
        inner,
        left=max(inner.left, x),
        right=min(inner.right, width - x),
        top=max(inner.top, y),
        bottom=min(inner.bottom, height - y),
    )


@dataclass(slots=True)
class Blocks:
    """The blocks of lines that are shown, so that others which are shown at once stand clear of them."""

    inner: Area
    between: float
    """How far they stand apart."""
    _shown: list[tuple[int, float, float]] = field(default_factory=list)

    def put(self, top: float, height: float, step: int, times_ms: tuple[int, int]) -> float:
        """Return where a block begins that is wanted at `top`: moved by steps down (1) or up (-1), inside the frame.

        Where there is no room that way it is looked for the other way; where there is none at all, blocks overlap.
        """
        start_ms, end_ms = times_ms
        self._shown = [one for one in self._shown if one[0] > start_ms]
        ways = [self._clear(top, height, way) for way in (step, -step)]
        found = next((way for way in ways if not self.inner.down(way, way + height)), ways[0])
        found += self.inner.down(found, found + height)
        self._shown.append((end_ms, found, found + height))
        return found

    def _clear(self, top: float, height: float, step: int) -> float:
        for _, upper, lower in sorted(self._shown, key=lambda one: one[1] * step):
            if top < lower + self.between and upper < top + height + self.between:
                top = lower + self.between if step > 0 else upper - height - self.between
        return top

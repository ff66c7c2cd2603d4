"""`shared/captions/coverage.json`: which characters the bundled fonts have, for the server, which has no fonts."""

import json
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby

from shared.captions.families import FAMILIES
from worker.media.captions.drawing.faces import typeface


def coverage() -> str:
    """Return what every family has by what stands in for it, and what each has besides, as ranges of code points."""
    covered = {family: characters(family) for family in FAMILIES}
    everywhere = frozenset.intersection(*covered.values())
    document = {
        "every_family": _lines(everywhere),
        "families": {family: _lines(codes - everywhere) for family, codes in covered.items()},
    }
    return f"{json.dumps(document, indent=2)}\n"


def characters(family: str, *, bold: bool = True) -> frozenset[int]:
    """Return the code points that a family has with all that stands in for it."""
    return frozenset().union(*(face.characters for face in typeface(family, bold=bold).faces))


def _lines(codes: Iterable[int]) -> list[str]:
    return textwrap.wrap(" ".join(_ranges(codes)), 110, break_on_hyphens=False)


def _ranges(codes: Iterable[int]) -> Iterator[str]:
    """Yield each run of code points; within one, a code and its place grow together."""
    for _, run in groupby(enumerate(sorted(codes)), key=lambda placed: placed[1] - placed[0]):
        [first, *further] = [code for _, code in run]
        yield f"{first:X}-{further[-1]:X}" if further else f"{first:X}"

"""How a file is cut into parts."""

from collections.abc import Sequence

_MOST_PARTS = 1000
_UNIT_BYTES = 1 << 20


def part_bytes_for(size_bytes: int, least_part_bytes: int) -> int | None:
    """Return the size of a file's parts; None where one PUT is enough.

    Whole MiB, and all but the last alike, as R2 wants it; at most a thousand of them.
    """
    if size_bytes <= 2 * least_part_bytes:
        return None
    needed = -(-size_bytes // _MOST_PARTS)
    return max(least_part_bytes, -(-needed // _UNIT_BYTES) * _UNIT_BYTES)


def part_sizes(size_bytes: int, part_bytes: int) -> Sequence[int]:
    """Return the size of each part; the last one is the rest."""
    whole, rest = divmod(size_bytes, part_bytes)
    return [*([part_bytes] * whole), *([rest] if rest else [])]

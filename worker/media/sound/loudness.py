"""How loud a sound is, and how it becomes as loud as wanted (EBU R128, two passes of FFmpeg's loudnorm)."""

import json
import math
from dataclasses import dataclass
from typing import Any

from shared.errors import EncodeFailed

TRUE_PEAK_DB = -1.5
"""What lossy codecs overshoot by stays below full scale (EBU R128 s1)."""
RANGE_LU = 11.0
QUIETEST_LUFS = -70.0
"""Below the absolute gate there is nothing to measure (ITU-R BS.1770)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the first pass found."""

    integrated_lufs: float
    range_lu: float
    true_peak_db: float
    threshold_lufs: float
    offset_lu: float

    @property
    def silent(self) -> bool:
        """Whether there is nothing that could be made louder."""
        return not math.isfinite(self.integrated_lufs) or self.integrated_lufs <= QUIETEST_LUFS

    @property
    def lufs(self) -> float | None:
        """The loudness; None for silence."""
        return None if self.silent else round(self.integrated_lufs, 2)


class Listener:
    """Hears what loudnorm prints among the rest."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._inside = False

    def hear(self, line: str) -> None:
        """Take a line; the JSON object stands on lines of its own."""
        text = line.strip()
        if text == "{":
            self._lines, self._inside = [], True
        if self._inside:
            self._lines.append(text)
        if text == "}":
            self._inside = False

    def measured(self) -> Measured:
        """Return what was printed; EncodeFailed if it was not."""
        try:
            told = json.loads(" ".join(self._lines))
            return Measured(
                float(told["input_i"]),
                float(told["input_lra"]),
                float(told["input_tp"]),
                float(told["input_thresh"]),
                float(told["target_offset"]),
            )
        except (ValueError, KeyError, TypeError) as failure:
            raise EncodeFailed("ffmpeg did not tell how loud the sound is.") from failure


def measuring(target_lufs: float) -> dict[str, Any]:
    """Return the options of loudnorm's first pass."""
    return {"I": target_lufs, "TP": TRUE_PEAK_DB, "LRA": RANGE_LU, "print_format": "json"}


def correcting(target_lufs: float, found: Measured) -> dict[str, Any]:
    """Return the options of the second pass: one gain for all of it, where the peaks leave room for that."""
    return {
        **measuring(target_lufs),
        "measured_I": found.integrated_lufs,
        "measured_LRA": found.range_lu,
        "measured_TP": found.true_peak_db,
        "measured_thresh": found.threshold_lufs,
        "offset": found.offset_lu,
        "linear": "true",
    }

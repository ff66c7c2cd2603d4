"""Spans of time as they are typed: 90s, 15m, 12h, 30d, 8w."""

import re
from typing import Final

from revela.failures import UsageFault

KEEP: Final = "keep"
"""What is typed in the place of a span by who wants outputs to stay."""

_SPAN = re.compile(r"([1-9]\d{0,7}(?=s)|[1-9]\d{0,4})([smhdw])")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def span_s(option: str, text: str) -> int:
    """Return a span, given as `option`, in seconds; UsageFault for anything else."""
    span = _SPAN.fullmatch(text)
    if span is None:
        raise UsageFault(f"{option} {text}: write a number and s, m, h, d or w, such as 30d")
    return int(span[1]) * _UNITS_S[span[2]]


def span_ms(option: str, text: str) -> int:
    """Return the same in milliseconds."""
    return span_s(option, text) * 1000


def span_or_keep(option: str, text: str) -> int | str:
    """Return a span in seconds, or KEEP where that was typed; UsageFault."""
    if text == KEEP:
        return KEEP
    try:
        return span_s(option, text)
    except UsageFault as wrong:
        raise UsageFault(f"{wrong.detail}, or {KEEP}") from None

"""When the next try is made: the delays of Standard Webhooks, what a receiver asks for, and a pause for its address."""

from datetime import UTC
from email.utils import parsedate_to_datetime

DELAYS_S = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Before the first try, the second, …: the schedule that Standard Webhooks 1.0 gives, 75 h 35 min in all."""
JITTER = 0.1
"""A delay is lengthened by up to this part of itself, so that events of one moment do not come back together."""
LIFE_MS = 84 * 3_600_000
"""A round of tries ends after this time, however few there were: longer than all delays with their jitter."""
MAX_RETRY_AFTER_S = 3600
"""The longest that a receiver may put off a try beyond its delay, and the longest pause for its address."""
MAX_PAUSE_S = 60


def next_try_ms(step: int, round_ms: int, now_ms: int, retry_after_s: float | None, chance: float) -> int | None:
    """Return when to try again after the failure of a round's try number `step` (1 is the first); None for never.

    The round began at `round_ms`; `retry_after_s` is what the receiver asked for; `chance` is random in 0..1.
    """
    if step >= len(DELAYS_S) or now_ms - round_ms >= LIFE_MS:
        return None
    delay_s = DELAYS_S[step] * (1 + JITTER * chance)
    if retry_after_s is not None:
        delay_s = max(delay_s, min(retry_after_s, MAX_RETRY_AFTER_S))
    return now_ms + round(delay_s * 1000)


def held_until_ms(failures: int, now_ms: int, retry_after_s: float | None) -> int:
    """Return until when nothing is sent to an address after so many failures in a row (1 and more).

    1 s, doubled each time up to a minute: shorter than the delay of any single event, it only spares an address
    that has many waiting.
    """
    pause_s: float = min(MAX_PAUSE_S, 2 ** min(failures - 1, 10))
    if retry_after_s is not None:
        pause_s = max(pause_s, min(retry_after_s, MAX_RETRY_AFTER_S))
    return now_ms + round(pause_s * 1000)


def retry_after_s(header: str | None, now_ms: int) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110 §10.2.3: seconds or a date), or None."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])  # more digits would only be clamped
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at_s = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    return max(0.0, at_s - now_ms / 1000)

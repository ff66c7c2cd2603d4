"""Quotas: how many requests in how long, written as the library `limits` writes them (``100/second;3000/minute``)."""

from collections import Counter
from dataclasses import dataclass

from shared.errors import SettingsError

NONE = "none"
"""Stands for no quota at all, as an empty text does: an empty variable of the environment counts as one not set."""

_LONGEST_S = 86_400
_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `amount` requests in any `window_s` seconds."""

    name: str
    amount: int
    window_s: int

    def __str__(self) -> str:
        """Return it as the header RateLimit-Policy tells it."""
        return f'"{self.name}";q={self.amount};w={self.window_s}'


def parse_quotas(text: str) -> tuple[Quota, ...]:
    """Return the quotas of a setting, none for an empty text or ``none``; SettingsError for what can't be kept."""
    if text.strip().lower() in ("", NONE):
        return ()
    from limits import parse_many  # 0.1 s, of use only where there are quotas

    try:
        read = parse_many(text)
    except ValueError:
        raise SettingsError(f"{text!r} is no rate limit; write for example 100/second;3000/minute, or none") from None
    quotas = tuple(Quota(_name(item.multiples, item.GRANULARITY.name), item.amount, item.get_expiry()) for item in read)
    if any(quota.window_s > _LONGEST_S or not 1 <= quota.amount <= _MOST for quota in quotas):
        raise SettingsError("a rate limit is 1 to 1000000 requests in a day at most: counts are kept in memory")
    if max(Counter(quota.window_s for quota in quotas).values()) > 1:
        raise SettingsError("two rate limits are for the same time")
    return tuple(sorted(quotas, key=lambda quota: quota.window_s))


def _name(multiples: int, span: str) -> str:
    return span if multiples == 1 else f"{multiples}-{span}"

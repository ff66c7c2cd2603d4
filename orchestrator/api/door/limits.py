"""How often one client may ask: counted in moving windows, told as draft-ietf-httpapi-ratelimit-headers says."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.quotas import Quota
from shared.clock import Clock
from shared.refusals import TooManyRequests

MAX_CLIENTS = 10_000
"""How many clients are counted at once; beyond it the one known longest begins anew."""

_Times = deque[int]
"""When the requests were that still count, oldest first, in epoch milliseconds."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one request."""

    remaining: str
    """The value of the header RateLimit; empty where there are no quotas."""
    refusal: TooManyRequests | None


_UNLIMITED = Verdict("", None)


class RateLimits:
    """Counts requests by client; belongs to one event loop.

    In any window a client gets its quota and no more; a refused request does not count, so that a client which
    doesn't wait is not shut out for longer. The windows are our own: those that the library `limits` keeps in memory
    start a thread at most requests (measured: 0.4 ms each; these take 6 µs) and know only the machine's clock.
    """

    def __init__(self, quotas: Sequence[Quota], clock: Clock) -> None:
        self._quotas = tuple(quotas)
        self._clock = clock
        self._clients: dict[str, tuple[_Times, ...]] = {}
        self._forget_every_ms = 1000 * max((quota.window_s for quota in quotas), default=0)
        self._forgot_ms = clock.now_ms()
        self.policy = ", ".join(map(str, quotas))
        """The value of the header RateLimit-Policy; empty where there are no quotas."""

    @property
    def clients(self) -> int:
        """How many clients are counted."""
        return len(self._clients)

    def take(self, client: str) -> Verdict:
        """Count a request if there is room for it, and say so."""
        if not self._quotas:
            return _UNLIMITED
        now_ms = self._clock.now_ms()
        windows = self._windows(client, now_ms)
        full = self._full(windows)
        if not full:
            for times_ms in windows:
                times_ms.append(now_ms)
        return Verdict(self._remaining(windows, now_ms), self._refusal(full, windows, now_ms))

    def look(self, client: str) -> TooManyRequests | None:
        """Return the refusal that a request would meet; count nothing."""
        if client not in self._clients:
            return None
        now_ms = self._clock.now_ms()
        windows = self._windows(client, now_ms)
        return self._refusal(self._full(windows), windows, now_ms)

    def _windows(self, client: str, now_ms: int) -> tuple[_Times, ...]:
        """Return a client's requests that count at `now_ms`, by quota."""
        windows = self._clients.get(client)
        if windows is None:
            return self._begin(client, now_ms)
        for quota, times_ms in zip(self._quotas, windows, strict=True):
            over_ms = now_ms - quota.window_s * 1000
            while times_ms and times_ms[0] <= over_ms:
                times_ms.popleft()
            if times_ms and times_ms[-1] > now_ms:
                times_ms.clear()  # the clock was set back; whole windows could pass before these leave
        return windows

    def _full(self, windows: tuple[_Times, ...]) -> list[int]:
        return [n for n, quota in enumerate(self._quotas) if len(windows[n]) >= quota.amount]

    def _refusal(self, full: list[int], windows: tuple[_Times, ...], now_ms: int) -> TooManyRequests | None:
        if not full:
            return None
        wait_s = max(self._wait_s(n, windows, now_ms) for n in full)
        return TooManyRequests(None, wait_s, [self._quotas[n].name for n in full])

    def _remaining(self, windows: tuple[_Times, ...], now_ms: int) -> str:
        return ", ".join(
            f'"{quota.name}";r={quota.amount - len(windows[n])};t={self._wait_s(n, windows, now_ms)}'
            for n, quota in enumerate(self._quotas)
        )

    def _wait_s(self, n: int, windows: tuple[_Times, ...], now_ms: int) -> int:
        """Return the seconds, rounded up, until quota `n` has room for one request more than now; 0 if it is whole."""
        times_ms = windows[n]
        return self._quotas[n].window_s - (now_ms - times_ms[0]) // 1000 if times_ms else 0

    def _begin(self, client: str, now_ms: int) -> tuple[_Times, ...]:
        if not 0 <= now_ms - self._forgot_ms < self._forget_every_ms:
            self._forget_idle(now_ms)
        while len(self._clients) >= MAX_CLIENTS:
            del self._clients[next(iter(self._clients))]
        windows = self._clients[client] = tuple(_Times() for _ in self._quotas)
        return windows

    def _forget_idle(self, now_ms: int) -> None:
        """Drop who has not asked for a whole longest window: their counts are over."""
        over_ms = now_ms - self._forget_every_ms
        idle = [client for client, windows in self._clients.items() if not windows[-1] or windows[-1][-1] <= over_ms]
        for client in idle:
            del self._clients[client]
        self._forgot_ms = now_ms

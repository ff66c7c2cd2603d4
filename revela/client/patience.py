"""How often and how long a call is tried again, by one set of rules for both clients."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tenacity import RetryCallState

from revela.client.errors import ClientError, Conflict, ConnectionFailed, DownloadDamaged, RateLimited, ServerError

OnAway = Callable[[ClientError], object]
"""Is told of a failure that is about to be waited over."""

_SERVICE_UNAVAILABLE = 503
_JITTER = 0.25
"""By this share pauses differ, so that clients that were cut off together do not come back together."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long failures that may pass are waited over.

    The pauses double from `first_pause_s` to `longest_pause_s`, and are as long as the server asks with Retry-After;
    where it asks for more than `longest_asked_s`, or the last of `attempts` has failed (None: there is no last one),
    the failure is raised.
    """

    attempts: int | None = 5
    first_pause_s: float = 0.5
    longest_pause_s: float = 15.0
    longest_asked_s: float = 60.0


PATIENT = Patience()
BRISK = Patience(attempts=3, first_pause_s=0.2, longest_asked_s=30.0)
"""Of somebody who waits in front of a terminal."""
ENDLESS = Patience(attempts=None, longest_pause_s=5.0, longest_asked_s=float("inf"))
"""Of somebody who wants the end of a job, whatever its server goes through."""


def may_pass(error: BaseException, *, repeatable: bool) -> bool:
    """Whether to try again after `error`; `repeatable` says that doing it twice does no more than doing it once."""
    match error:
        case RateLimited() | Conflict(code="idempotency-in-progress"):
            return True
        case ServerError(status=status):
            return repeatable or status == _SERVICE_UNAVAILABLE
        case ConnectionFailed(sent=sent):
            return repeatable or not sent
        case DownloadDamaged(resumed=resumed):
            return resumed
    return False


@dataclass(slots=True)
class Tries:
    """The failures in a row of one call; each time that something was `gained`, the counting begins anew."""

    patience: Patience
    repeatable: bool = True
    gained: Callable[[], object] = lambda: None
    on_away: OnAway | None = None
    _failures: int = 0
    _last_gain: object = field(default=None)

    def rules(self) -> dict[str, Any]:
        """Return what tenacity's `Retrying` and `AsyncRetrying` are made with."""
        return {
            "retry": self._again,
            "wait": self._pause_s,
            "stop": _never,
            "before_sleep": self._tell,
            "reraise": True,
        }

    def _again(self, state: RetryCallState) -> bool:
        error = _error_in(state)
        if error is None:
            return False
        gain = self.gained()
        self._failures = 1 if gain != self._last_gain else self._failures + 1
        self._last_gain = gain
        if not may_pass(error, repeatable=self.repeatable):
            return False
        attempts = self.patience.attempts
        return _asked_s(error) <= self.patience.longest_asked_s and (attempts is None or self._failures < attempts)

    def _pause_s(self, state: RetryCallState) -> float:
        doubled_s = self.patience.first_pause_s * 2 ** min(self._failures - 1, 30)
        grown_s: float = min(doubled_s, self.patience.longest_pause_s) * random.uniform(1 - _JITTER, 1)  # noqa: S311
        return max(grown_s, _asked_s(_error_in(state)))

    def _tell(self, state: RetryCallState) -> None:
        error = _error_in(state)
        if self.on_away is not None and isinstance(error, ClientError):
            self.on_away(error)


def _error_in(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()


def _asked_s(error: BaseException | None) -> float:
    """Return how long the server asks to be left alone."""
    return (error.retry_after_s or 0.0) if isinstance(error, ClientError) else 0.0


def _never(_state: RetryCallState) -> bool:
    """When to stop is decided with whether to go on, where the error is known."""
    return False

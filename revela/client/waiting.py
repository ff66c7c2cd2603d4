"""Waiting for a job's end: what is asked next, and when it is over."""

import time
from collections.abc import Callable

from revela.client.api import calls
from revela.client.api.calls import Call
from revela.client.connection import LONG_POLL_S
from revela.client.errors import WaitTimedOut
from shared.wire.job import JobView

OnChange = Callable[[JobView], object]
"""Is given every state of a job as it is seen."""


class Waiting:
    """One job that is waited for; `ended` is the job once it has ended."""

    def __init__(self, job_id: str, on_change: OnChange | None, poll_s: float, timeout_s: float | None) -> None:
        self.ended: JobView | None = None
        self._job_id = job_id
        self._on_change = on_change
        self._poll_s = poll_s if on_change is not None else LONG_POLL_S
        self._deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        self._asked = False

    def next_call(self) -> Call[JobView]:
        """Return what to ask; at least once, then WaitTimedOut when the time is over."""
        left_s = LONG_POLL_S if self._deadline_s is None else self._deadline_s - time.monotonic()
        if left_s <= 0 and self._asked:
            raise WaitTimedOut(f"{self._job_id} has not ended yet")
        self._asked = True
        return calls.get(self._job_id, max(0.0, min(self._poll_s, left_s)))

    def saw(self, job: JobView) -> None:
        """Take an answer."""
        if self._on_change is not None:
            self._on_change(job)
        if job.status.terminal:
            self.ended = job

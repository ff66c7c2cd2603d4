"""What is counted and timed as it happens, in a registry of this server's own."""

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from orchestrator.jobs.states import AttemptEnd
from shared.wire.webhook import EventState

_REQUEST_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0)
_WORK_S = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 21600.0)
_RELAY_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0, 120.0)
_SHORT_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Metrics:
    """The instruments; `docs/monitoring.md` says what each tells."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._count_work()
        self._count_server()

    def _count_work(self) -> None:
        self.jobs_submitted = self._counter("revela_jobs_submitted", "Jobs accepted", "operation")
        self.jobs_ended = self._counter("revela_jobs_ended", "Jobs that ended", "operation", "status")
        self.items_ended = self._counter("revela_items_ended", "Items that ended", "operation", "status")
        self.job_delay = self._histogram(
            "revela_job_delay_seconds", "From a job's acceptance to its first start", _WORK_S, "operation"
        )
        self.job_execution = self._histogram(
            "revela_job_execution_seconds",
            "What workers took for a job, summed over its attempts",
            _WORK_S,
            "operation",
        )
        self.cost = self._counter("revela_cost", "What the workers of ended jobs cost", "operation", "currency")
        self._attempts_ended = self._counter("revela_attempts_ended", "Attempts at the endpoint that ended", "outcome")
        for end in AttemptEnd:
            self._attempts_ended.labels(end)  # an alert on a rate needs the zero before the first one
        self._relay_lag = self._histogram(
            "revela_relay_lag_seconds", "From a task's end at the endpoint to its items shown as ended", _RELAY_S
        )
        self._webhook_tries = self._counter("revela_webhook_tries", "Tries to deliver a webhook", "outcome")
        for state in EventState:
            self._webhook_tries.labels(_OUTCOMES[state])

    def _count_server(self) -> None:
        self._requests = self._counter("revela_http_requests", "Requests answered", "method", "route", "status")
        self._request_time = self._histogram(
            "revela_http_request_duration_seconds", "From a request to its answer's end", _REQUEST_S, "method", "route"
        )
        self._writes = self._counter("revela_store_writes", "Writes to the database")
        self._commit_time = self._histogram(
            "revela_store_commit_seconds", "One transaction of the database's writer, commit included", _SHORT_S
        )
        self.loop_lag = self._histogram(
            "revela_event_loop_lag_seconds",
            "How late the event loop did what was due, looked at twice a second",
            _SHORT_S,
        )

    def attempt_ended(self, end: AttemptEnd, lag_s: float | None) -> None:
        """Count an attempt; `lag_s` since its end at the endpoint, where that is known."""
        self._attempts_ended.labels(end).inc()
        if lag_s is not None:
            self._relay_lag.observe(max(0.0, lag_s))

    def webhook_tried(self, state: EventState) -> None:
        """Count a try, by what became of its event."""
        self._webhook_tries.labels(_OUTCOMES[state]).inc()

    def request_answered(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count a request; `route` is a template, so that there are no more series than routes."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_time.labels(method, route).observe(duration_s)

    def committed(self, writes: int, duration_s: float) -> None:
        """Count a transaction of the store's writer; called in its thread."""
        self._writes.inc(writes)
        self._commit_time.observe(duration_s)

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(name, told, labels, registry=self.registry)

    def _histogram(self, name: str, told: str, buckets_s: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, told, labels, registry=self.registry, buckets=buckets_s)


_OUTCOMES = {
    EventState.DELIVERED: "delivered",
    EventState.WAITING: "failed",
    EventState.FAILED: "given_up",
    EventState.DISABLED: "address_disabled",
}
"""An event that waits again after a try is one whose try failed."""

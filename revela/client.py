"""The Python client of a Revela server: submit a job, follow it, fetch what it made."""

import hashlib
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from revela.failures import NoSuchJob, ServerRefused, ServerUnreachable, UsageFault
from shared.wire.job import ItemPage, ItemView, JobPage, JobView, OutputView
from shared.wire.model import WireModel
from shared.wire.problem import Problem
from shared.wire.status import Status

M = TypeVar("M", bound=WireModel)

DEFAULT_URL = "http://127.0.0.1:3000"
LONG_POLL_S = 25
"""The longest `wait` that the server holds an answer for."""


class _Catalogue(WireModel):
    operations: list[dict[str, Any]]


class Client:
    """A connection to one server with one key; use it as a context manager.

    Every method raises ServerRefused for an answer with a problem in it and ServerUnreachable when no
    proper answer came.
    """

    def __init__(self, url: str, key: str) -> None:
        """`url` is the server's public address, `key` an API key of it; UsageFault for one that can't be a key."""
        if not (key.isascii() and key.isprintable()):
            raise UsageFault("the API key holds characters that no key has; copy it again")
        timeout = httpx.Timeout(15, read=LONG_POLL_S + 15)
        self._http = httpx.Client(base_url=url.rstrip("/"), headers={"X-API-Key": key}, timeout=timeout)
        # Links may lead to another host, which has no business with the key.
        self._links = httpx.Client(timeout=timeout, follow_redirects=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._links.close()

    def submit(self, request: dict[str, Any], *, idempotency_key: str | None = None) -> JobView:
        """Store a job (the body of ``POST /v1/jobs``) and return it; it is durable then."""
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return self._model(JobView, "POST", "/v1/jobs", json=request, headers=headers)

    def get(self, job_id: str, *, wait_s: int = 0) -> JobView:
        """Return the job; with `wait_s` (at most 25) the answer is held until the job has ended. NoSuchJob."""
        try:
            return self._model(
                JobView, "GET", f"/v1/jobs/{_segment(job_id)}", params={"wait": wait_s} if wait_s else {}
            )
        except ServerRefused as refused:
            if refused.problem.status == HTTPStatus.NOT_FOUND:
                raise NoSuchJob(job_id, refused.problem) from refused
            raise

    def wait(self, job_id: str, on_change: Callable[[JobView], None] | None = None, *, poll_s: int = 1) -> JobView:
        """Return the job once it has ended; `on_change` is given every state seen, at least one each `poll_s`."""
        while True:
            job = self.get(job_id, wait_s=poll_s if on_change else LONG_POLL_S)
            if on_change is not None:
                on_change(job)
            if job.status.terminal:
                return job

    def jobs(self, *, limit: int = 20, status: Status | None = None, operation: str | None = None) -> list[JobView]:
        """Return the newest jobs, without their items."""
        wanted = {"limit": limit, "status": status and status.value, "operation": operation}
        params = {name: value for name, value in wanted.items() if value is not None}
        return self._model(JobPage, "GET", "/v1/jobs", params=params).jobs

    def items(self, job_id: str, *, status: Status | None = None) -> Iterator[ItemView]:
        """Yield all items of a job, page by page."""
        params: dict[str, str] = {} if status is None else {"status": status.value}
        while True:
            page = self._model(ItemPage, "GET", f"/v1/jobs/{_segment(job_id)}/items", params=params)
            yield from page.items
            if page.next_cursor is None:
                return
            params["cursor"] = page.next_cursor

    def operations(self) -> list[dict[str, Any]]:
        """Return the operations as the server describes them, with JSON Schemas; needs no key."""
        return self._model(_Catalogue, "GET", "/v1/operations").operations

    def download(self, output: OutputView, path: Path) -> Path:
        """Save an output at `path`, whole or not at all: its SHA-256 is checked before it gets its name."""
        partial = path.with_name(f".{path.name}.part")
        digest = hashlib.sha256()
        try:
            with self._links.stream("GET", output.url) as response:
                if response.is_error:
                    response.read()
                    raise _failure_of(response)
                with partial.open("wb") as file:
                    for block in response.iter_bytes(1 << 20):
                        digest.update(block)
                        file.write(block)
            if digest.hexdigest() != output.sha256:
                raise ServerUnreachable(f"{path.name} arrived damaged; try again")
            return partial.replace(path)
        except httpx.HTTPError as failed:
            raise _unreachable(httpx.URL(output.url).host, failed) from failed
        finally:
            partial.unlink(missing_ok=True)

    def _model(self, model: type[M], method: str, path: str, **options: Any) -> M:
        try:
            response = self._http.request(method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as failed:
            raise _unreachable(self._http.base_url, failed) from failed
        if not response.is_success:
            raise _failure_of(response)
        try:
            return model.model_validate_json(response.content)
        except ValidationError as foreign:
            raise ServerUnreachable(f"what answers at {self._http.base_url} is not a Revela server") from foreign


def _failure_of(response: httpx.Response) -> ServerRefused | ServerUnreachable:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return ServerUnreachable(f"{response.url.host} answered {response.status_code} {response.reason_phrase}")
    if response.is_server_error:
        return ServerUnreachable(problem.detail)
    return ServerRefused(problem)


def _unreachable(server: httpx.URL | str, failed: Exception) -> ServerUnreachable:
    return ServerUnreachable(f"no answer from {server}: {str(failed) or type(failed).__name__}")


def _segment(text: str) -> str:
    """Return `text` as one segment of a path, whatever stands in it."""
    return quote(text, safe="")

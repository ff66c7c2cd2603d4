"""Jobs over HTTP: hand one in, look at it, wait for it, list them."""

import asyncio
import math
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import Field, ValidationError
from pydantic_core import to_json
from sqlalchemy.engine import Connection, RowMapping
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.bodies import take_json
from orchestrator.api.views import Json, Links, item_view, job_view, progress_view
from orchestrator.caller import Caller
from orchestrator.jobs.accept import AcceptedJob, accept_job, field_errors
from orchestrator.services import Services
from orchestrator.store.reading import JobFilter, item_rows, job_row, job_rows, job_status_of, task_rows
from orchestrator.store.submit import insert_job
from shared.refusals import FieldError, InvalidRequest, NotFound
from shared.wire.job import EMBEDDED_ITEMS, JobView
from shared.wire.model import ClientModel
from shared.wire.status import Status

MAX_WAIT_S = 25.0
"""The longest that a read is held: proxies commonly give up after 30 s."""
REREAD_S = 1.0
"""How often a held read looks again by itself, for changes that another process made."""

_JOB_ID = re.compile(r"job_[0-9A-Z]{26}")
_PREFER_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*(\d{1,6})\s*(?:,|;|$)", re.IGNORECASE)

Q = TypeVar("Q", bound=ClientModel)


class JobQuery(ClientModel):
    """Parameters of a read of one job."""

    wait: float = Field(default=0, ge=0, description="Seconds to wait for the job's end, at most 25")


class ItemsQuery(ClientModel):
    """Parameters of a read of a job's items."""

    status: Status | None = None
    cursor: int = Field(default=-1, ge=-1, le=1_000_000)
    limit: int = Field(default=100, ge=1, le=1000)


class JobsQuery(ClientModel):
    """Parameters of a list of jobs."""

    status: Status | None = None
    operation: str | None = Field(default=None, max_length=64)
    cursor: str | None = Field(default=None, pattern=rf"^{_JOB_ID.pattern}$")
    limit: int = Field(default=50, ge=1, le=100)


async def create_job(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /v1/jobs``: 202 once the job is on disk; 200 if it ended within the N of ``Prefer: wait=N``."""
    wait_s = _preferred_wait_s(request)
    job_id = await submit(services, request, caller)
    applied = {} if wait_s is None else {"preference-applied": f"wait={round(wait_s)}"}
    status = await wait_for_end(services, request, caller, job_id, wait_s) if wait_s else Status.IN_QUEUE
    response = await job_response(services, caller, job_id, HTTPStatus.OK if status.terminal else HTTPStatus.ACCEPTED)
    response.headers.update({"location": f"/v1/jobs/{job_id}", **applied})
    return response


async def submit(
    services: Services, request: Request, caller: Caller, translate: Callable[[Any], Any] = lambda body: body
) -> str:
    """Accept and store the job that `translate` makes of a request's body; return its id."""

    def accept(body: Any) -> AcceptedJob:
        return accept_job(
            translate(body),
            catalogue=services.catalogue,
            caller=caller,
            settings=services.settings,
            clock=services.clock,
        )

    accepted = await take_json(request, services.settings.max_body_bytes, accept)
    await services.store.write(lambda connection: insert_job(connection, accepted))
    services.work_waiting.set()
    return str(accepted.id)


async def read_job(services: Services, request: Request, caller: Caller) -> Response:
    """``GET /v1/jobs/{id}``: the job with its first 100 items; ``?wait=N`` holds the answer until it has ended."""
    job_id = job_id_in(request)
    wait_s = min(read_query(request, JobQuery).wait, MAX_WAIT_S)
    if wait_s:
        await wait_for_end(services, request, caller, job_id, wait_s)
    return await job_response(services, caller, job_id, HTTPStatus.OK, request.headers.get("if-none-match"))


async def read_items(services: Services, request: Request, caller: Caller) -> Response:
    """``GET /v1/jobs/{id}/items``: one page of a job's items."""
    job_id, query = job_id_in(request), read_query(request, ItemsQuery)
    links = Links.of(services)

    def read(connection: Connection) -> bytes:
        if job_status_of(connection, caller.tenant, job_id) is None:
            raise NotFound
        rows = item_rows(connection, caller.tenant, job_id, query.limit + 1, query.cursor, query.status)
        page, more = rows[: query.limit], len(rows) > query.limit
        views = [item_view(row, job_id, links) for row in page]
        return json_bytes({"items": views, "next_cursor": str(page[-1].n) if more else None})

    return json_response(await services.store.read(read))


async def list_jobs(services: Services, request: Request, caller: Caller) -> Response:
    """``GET /v1/jobs``: one page of the tenant's jobs, newest first, without their items."""
    query = read_query(request, JobsQuery)
    wanted = JobFilter(query.status, query.operation, query.cursor)
    now_ms = services.clock.now_ms()

    def view(connection: Connection, row: RowMapping) -> Json:
        return _job_view(connection, row, now_ms).model_dump(mode="json", exclude={"items"})

    def read(connection: Connection) -> bytes:
        rows = job_rows(connection, caller.tenant, wanted, query.limit + 1)
        page, more = rows[: query.limit], len(rows) > query.limit
        views = [view(connection, row) for row in page]
        return json_bytes({"jobs": views, "next_cursor": views[-1]["id"] if more else None})

    return json_response(await services.store.read(read))


async def wait_for_end(services: Services, request: Request, caller: Caller, job_id: str, timeout_s: float) -> Status:
    """Return where the job stands as soon as it has ended, the time is over, or the client has gone."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + timeout_s
    while True:
        left_s = deadline_s - loop.time()
        # Listening begins before the read, so that no change falls between the two.
        change = asyncio.ensure_future(services.changes.wait(job_id, min(REREAD_S, max(left_s, 0))))
        try:
            status = await services.store.read(lambda connection: job_status_of(connection, caller.tenant, job_id))
            if status is None:
                raise NotFound
            if status.terminal or left_s <= 0 or await request.is_disconnected():
                return status
            await change
        finally:
            change.cancel()


async def job_response(
    services: Services, caller: Caller, job_id: str, status: HTTPStatus, if_none_match: str | None = None
) -> Response:
    """Return the answer that shows a job; 304 where the client has this version already."""
    links, now_ms = Links.of(services), services.clock.now_ms()

    def read(connection: Connection) -> Response:
        row = job_row(connection, caller.tenant, job_id)
        if row is None:
            raise NotFound
        etag = f'"{row["version"]}"'
        if if_none_match is not None and etag in if_none_match:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"etag": etag})
        view = _job_view(connection, row, now_ms)
        items = item_rows(connection, caller.tenant, job_id, EMBEDDED_ITEMS)
        content = {**view.model_dump(mode="json"), "items": [item_view(item, job_id, links) for item in items]}
        return json_response(json_bytes(content), status, {"etag": etag, **_retry_after(view)})

    return await services.store.read(read)


def _job_view(connection: Connection, row: RowMapping, now_ms: int) -> JobView:
    open_tasks = () if Status(row["status"]).terminal else task_rows(connection, row["tenant"], row["id"])
    return job_view(row, progress_view(row, open_tasks, now_ms))


def json_bytes(content: Json) -> bytes:
    """Return compact JSON; pydantic's writer is several times faster than the standard library's."""
    return to_json(content)


def json_response(body: bytes, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    """Return JSON as an answer that no cache may keep without asking: who may see it hangs on the key."""
    return Response(
        body, status, {"cache-control": "private, no-cache", **(headers or {})}, media_type="application/json"
    )


def _retry_after(view: JobView) -> dict[str, str]:
    """Say when to look again: a fifth of the remaining time, 1 to 30 s; nothing once the job has ended."""
    if view.status.terminal:
        return {}
    eta_s = view.progress.eta_s if view.progress else None
    return {"retry-after": str(min(30, max(1, math.ceil((eta_s or 0) / 5))))}


def job_id_in(request: Request) -> str:
    """Return the job id in a request's path; NotFound for what can't be one."""
    job_id: str = request.path_params["job_id"]
    if not _JOB_ID.fullmatch(job_id):
        raise NotFound
    return job_id


def read_query(request: Request, model: type[Q]) -> Q:
    """Return the query's parameters; InvalidRequest for unknown, repeated and wrong ones (pointers begin with ?)."""
    given = request.query_params.multi_items()
    fields = dict(given)
    if len(fields) != len(given):
        raise InvalidRequest("A parameter of the query stands there twice.")
    try:
        return model.model_validate(fields)
    except ValidationError as invalid:
        faults = [FieldError(f"?{fault.pointer[1:]}", fault.detail) for fault in field_errors(invalid)]
        raise InvalidRequest(errors=faults) from None


def _preferred_wait_s(request: Request) -> float | None:
    """Return the seconds of ``Prefer: wait=N`` (RFC 7240), at most 25; None without one."""
    wanted = _PREFER_WAIT.search(request.headers.get("prefer", ""))
    return min(float(wanted[1]), MAX_WAIT_S) if wanted else None

"""Reading one job: itself, its items, and waiting for its end."""

import asyncio
import math
from http import HTTPStatus
from typing import Any

from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.answers import json_bytes, json_response
from orchestrator.api.door.described import Described, Header, Reply
from orchestrator.api.door.query import job_id_in, read_query
from orchestrator.caller import Caller
from orchestrator.keys import READ_JOBS
from orchestrator.services import Services
from orchestrator.store.reading import Stored, item_rows, job_row, job_status_of, task_rows
from orchestrator.views import item_view, job_view, progress_view
from shared.refusals import NotFound
from shared.wire.job import EMBEDDED_ITEMS, ItemPage, JobView
from shared.wire.model import ClientModel
from shared.wire.status import Status

MAX_WAIT_S = 25.0
"""The longest that a read is held: proxies commonly give up after 30 s."""
REREAD_S = 1.0
"""How often a held read looks again by itself, for changes that another process made."""


class JobQuery(ClientModel):
    """Parameters of a read of one job."""

    wait: float = Field(default=0, ge=0, description="Seconds to wait for the job's end, at most 25")


class ItemsQuery(ClientModel):
    """Parameters of a read of a job's items."""

    status: Status | None = Field(default=None, description="Only items that stand there")
    cursor: int = Field(default=-1, ge=-1, le=1_000_000, description="The next_cursor of the page before")
    limit: int = Field(default=100, ge=1, le=1000, description="How many items a page has")


async def get_job(services: Services, request: Request, caller: Caller) -> Response:
    """``GET /v1/jobs/{id}``: the job with its first 100 items; ``?wait=N`` holds the answer until it has ended."""
    job_id = job_id_in(request)
    wait_s = min(read_query(request, JobQuery).wait, MAX_WAIT_S)
    if wait_s:
        await wait_for_end(services, request, caller, job_id, wait_s)
    return await job_response(services, caller, job_id, HTTPStatus.OK, request.headers.get("if-none-match"))


async def list_job_items(services: Services, request: Request, caller: Caller) -> Response:
    """``GET /v1/jobs/{id}/items``: one page of a job's items."""
    job_id, query = job_id_in(request), read_query(request, ItemsQuery)
    links = services.links

    def read(connection: Connection) -> bytes:
        if job_status_of(connection, caller.tenant, job_id) is None:
            raise NotFound
        rows = item_rows(connection, caller.tenant, job_id, query.limit + 1, query.cursor, query.status)
        page, more = rows[: query.limit], len(rows) > query.limit
        views = [item_view(row, job_id, links) for row in page]
        return json_bytes({"items": views, "next_cursor": str(page[-1].n) if more else None})

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
            status = await services.store.glance(lambda connection: job_status_of(connection, caller.tenant, job_id))
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
    links = services.links

    def read(connection: Connection) -> Response:
        row = job_row(connection, caller.tenant, job_id)
        if row is None:
            raise NotFound
        etag = f'"{row["version"]}"'
        if if_none_match is not None and etag in if_none_match:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"etag": etag})
        view = view_of_job(services, connection, row)
        items = item_rows(connection, caller.tenant, job_id, EMBEDDED_ITEMS)
        content = {**view.model_dump(mode="json"), "items": [item_view(item, job_id, links) for item in items]}
        return json_response(json_bytes(content), status, {"etag": etag, **_retry_after(view)})

    return await services.store.glance(read)


def view_of_job(services: Services, connection: Connection, row: Stored) -> JobView:
    """Return a job with its progress, without its items."""
    open_tasks = () if Status(row["status"]).terminal else task_rows(connection, row["tenant"], row["id"])
    return job_view(row, progress_view(row, open_tasks, services.clock.now_ms()), services.settings.currency)


def _retry_after(view: JobView) -> dict[str, str]:
    """Say when to look again: a fifth of the remaining time, 1 to 30 s; nothing once the job has ended."""
    if view.status.terminal:
        return {}
    eta_s = view.progress.eta_s if view.progress else None
    return {"retry-after": str(min(30, max(1, math.ceil((eta_s or 0) / 5))))}


ETAG = Header("ETag", "The version of what is shown; send it back as If-None-Match", '"7"')
RETRY_AFTER = Header(
    "Retry-After", "Seconds until another look is worth it; absent once the job has ended", "2", "integer"
)
FRESH: dict[str, Any] = {
    "status": "IN_QUEUE",
    "progress": {"stage": "queue", "percent": 0.0, "items_done": 0, "items_total": 10, "eta_s": None},
    "summary": {"total": 10, "succeeded": 0, "failed": 0},
    "items": [{"id": "item-1", "status": "IN_QUEUE", "error": None, "output": {}, "result": {}}],
    "started_at": None,
    "delay_ms": 0,
    "execution_ms": 0,
    "attempts": 0,
}
"""What an example of a job shows that nobody has taken yet."""
ENDED: dict[str, Any] = {
    "status": "COMPLETED",
    "progress": None,
    "summary": {"total": 10, "succeeded": 10, "failed": 0},
    "completed_at": "2026-05-04T12:30:21Z",
    "expires_at": "2026-05-07T12:30:21Z",
}
"""What an example of a job shows that has ended."""

ROUTES = (
    Described(
        "GET",
        "/v1/jobs/{job_id}",
        "Read a job",
        keyed=get_job,
        scope=READ_JOBS,
        query=JobQuery,
        headers=(Header("If-None-Match", "The ETag of the version that is known already", '"7"'),),
        replies=(
            Reply("The job, with its first 100 items", JobView, headers=(ETAG, RETRY_AFTER)),
            Reply("Nothing has changed", status=HTTPStatus.NOT_MODIFIED, media_type=None, headers=(ETAG,)),
        ),
    ),
    Described(
        "GET",
        "/v1/jobs/{job_id}/items",
        "List a job's items",
        keyed=list_job_items,
        scope=READ_JOBS,
        query=ItemsQuery,
        replies=(Reply("One page of items, in their order", ItemPage),),
    ),
)

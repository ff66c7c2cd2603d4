"""Listing jobs."""

from pydantic import Field
from sqlalchemy.engine import Connection, RowMapping
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.answers import json_bytes, json_response
from orchestrator.api.door.described import Described, Reply
from orchestrator.api.door.query import JOB_ID, read_query
from orchestrator.api.jobs.read import view_of_job
from orchestrator.caller import Caller
from orchestrator.keys import READ_JOBS
from orchestrator.services import Services
from orchestrator.store.reading import JobFilter, job_rows
from orchestrator.views import Json
from shared.wire.job import JobPage
from shared.wire.model import ClientModel
from shared.wire.status import Status


class JobsQuery(ClientModel):
    """Parameters of a list of jobs."""

    status: Status | None = None
    operation: str | None = Field(default=None, max_length=64)
    cursor: str | None = Field(default=None, pattern=rf"^{JOB_ID.pattern}$")
    limit: int = Field(default=50, ge=1, le=100)


async def list_jobs(services: Services, request: Request, caller: Caller) -> Response:
    """``GET /v1/jobs``: one page of the tenant's jobs, newest first, without their items."""
    query = read_query(request, JobsQuery)
    wanted = JobFilter(query.status, query.operation, query.cursor)
    now_ms = services.clock.now_ms()

    def view(connection: Connection, row: RowMapping) -> Json:
        return view_of_job(connection, row, now_ms).model_dump(mode="json", exclude={"items"})

    def read(connection: Connection) -> bytes:
        rows = job_rows(connection, caller.tenant, wanted, query.limit + 1)
        page, more = rows[: query.limit], len(rows) > query.limit
        views = [view(connection, row) for row in page]
        return json_bytes({"jobs": views, "next_cursor": views[-1]["id"] if more else None})

    return json_response(await services.store.read(read))


ROUTES = (
    Described(
        "GET",
        "/v1/jobs",
        "List jobs",
        keyed=list_jobs,
        scope=READ_JOBS,
        query=JobsQuery,
        replies=(Reply("One page of jobs, newest first, without their items", JobPage),),
    ),
)

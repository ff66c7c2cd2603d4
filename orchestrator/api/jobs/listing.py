"""Listing jobs."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.answers import json_bytes, json_response
from orchestrator.api.door.described import Described, Reply
from orchestrator.api.door.query import JOB_ID, read_query
from orchestrator.api.jobs.read import view_of_job
from orchestrator.caller import Caller
from orchestrator.keys import READ_JOBS
from orchestrator.services import Services
from orchestrator.store.reading import JobFilter, Stored, job_rows
from orchestrator.views import Json
from shared.wire.job import MAX_LABELS, JobPage
from shared.wire.model import ClientModel
from shared.wire.status import Status


def _name_and_value(text: str) -> str:
    name, colon, _ = text.partition(":")
    if not (name and colon):
        raise ValueError("a label is looked for as NAME:VALUE")
    return text


def _no_number(text: Any) -> Any:
    if isinstance(text, str) and not re.match(r"\d{4}-", text):
        raise ValueError("a moment is RFC 3339, such as 2026-05-04T12:30:00Z")
    return text


Moment = Annotated[AwareDatetime, BeforeValidator(_no_number)]
"""Pydantic alone takes a number for seconds since 1970 as well."""


class JobsQuery(ClientModel):
    """Parameters of a list of jobs; all that are given must hold."""

    status: Status | None = Field(default=None, description="Only jobs that stand there")
    operation: str | None = Field(
        default=None, max_length=64, description="Only jobs of this one", examples=["img2vid"]
    )
    label: list[Annotated[str, AfterValidator(_name_and_value), Field(json_schema_extra={"pattern": "^[^:]+:"})]] = (
        Field(
            default=[],
            max_length=MAX_LABELS,
            description="NAME:VALUE, and again for more; all must be there",
            examples=[["order:A-17"]],
        )
    )
    created_after: Moment | None = Field(default=None, description="RFC 3339; this moment is included")
    created_before: Moment | None = Field(default=None, description="RFC 3339; this moment is not included")
    cursor: str | None = Field(
        default=None, pattern=rf"^{JOB_ID.pattern}$", description="The next_cursor of the page before"
    )
    limit: int = Field(default=50, ge=1, le=100, description="How many jobs a page has")

    def as_filter(self) -> JobFilter:
        """Return what the store is asked for."""
        return JobFilter(
            status=self.status,
            operation=self.operation,
            labels=tuple((name, value) for name, _, value in (text.partition(":") for text in self.label)),
            created_from_ms=_epoch_ms(self.created_after),
            created_until_ms=_epoch_ms(self.created_before),
            before_id=self.cursor,
        )


def _epoch_ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


async def list_jobs(services: Services, request: Request, caller: Caller) -> Response:
    """``GET /v1/jobs``: one page of the tenant's jobs, newest first, without their items."""
    query = read_query(request, JobsQuery)
    wanted = query.as_filter()

    def view(connection: Connection, row: Stored) -> Json:
        return view_of_job(services, connection, row).model_dump(mode="json", exclude={"items"})

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

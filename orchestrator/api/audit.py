"""``GET /v1/audit``: who deleted, kept, made or ended what in a tenant, and when."""

from typing import Annotated

from pydantic import Field, StringConstraints
from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.answers import json_response
from orchestrator.api.door.described import Described, Reply
from orchestrator.api.door.query import read_query
from orchestrator.caller import Caller
from orchestrator.keys import ADMIN
from orchestrator.services import Services
from orchestrator.store.keeping.audit import AuditAction, AuditFilter, entries
from shared.clock import to_datetime
from shared.wire.keeping.audit import AuditEntry, AuditPage
from shared.wire.model import ClientModel

_MAX_SEQ = (1 << 63) - 1


class AuditQuery(ClientModel):
    """Parameters of a read of the audit log; all that are given must hold."""

    action: AuditAction | None = Field(default=None, description="Only what was done so", examples=["job.deleted"])
    subject: Annotated[str, StringConstraints(min_length=1, max_length=160)] | None = Field(
        default=None, description="Only what was done to this", examples=["job_01K9ZV6Q0S8M7D3X5B2C4F6G8H"]
    )
    cursor: int | None = Field(default=None, ge=0, le=_MAX_SEQ, description="The next_cursor of the page before")
    limit: int = Field(default=50, ge=1, le=500, description="How many entries a page has")


async def list_audit_entries(services: Services, request: Request, caller: Caller) -> Response:
    """``GET /v1/audit``: one page of the tenant's log, newest first."""
    query = read_query(request, AuditQuery)
    wanted = AuditFilter(query.action, query.subject, query.cursor)

    def read(connection: Connection) -> AuditPage:
        rows = entries(connection, caller.tenant, wanted, query.limit + 1)
        page, more = rows[: query.limit], len(rows) > query.limit
        shown = [
            AuditEntry(
                id=row.seq,
                at=to_datetime(row.at_ms),
                actor=row.actor,
                action=row.action,
                subject=row.subject,
                detail=row.detail,
            )
            for row in page
        ]
        return AuditPage(entries=shown, next_cursor=str(page[-1].seq) if more else None)

    return json_response((await services.store.read(read)).model_dump_json().encode())


ROUTES = (
    Described(
        "GET",
        "/v1/audit",
        "Read the audit log",
        keyed=list_audit_entries,
        scope=ADMIN,
        query=AuditQuery,
        replies=(Reply("One page of entries, newest first", AuditPage),),
        group="Keeping and deleting",
    ),
)

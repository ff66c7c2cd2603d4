"""Reading uploads: one, or a list; for one that waits, fresh addresses and what has arrived."""

import re

from pydantic import Field, field_validator
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.answers import json_response
from orchestrator.api.door.described import Described, Reply
from orchestrator.api.door.query import UPLOAD_ID, read_query, upload_id_in
from orchestrator.caller import Caller
from orchestrator.keys import READ_JOBS
from orchestrator.services import Services
from orchestrator.store.uploading import rows
from orchestrator.store.uploading.rows import UploadRow
from orchestrator.uploads.offer import view_of
from orchestrator.uploads.parts import part_sizes
from shared.refusals import InvalidRequest
from shared.uploads.upload import PARTS_GIVEN, ReceivedPart, UploadPage, UploadState, UploadView
from shared.wire.model import ClientModel

_NUMBERS = re.compile(r"[1-9]\d{0,4}(,[1-9]\d{0,4})*")


class UploadQuery(ClientModel):
    """Parameters of reading an upload."""

    parts: str | None = Field(
        default=None,
        pattern=rf"^{_NUMBERS.pattern}$",
        max_length=6 * PARTS_GIVEN,
        description=f"Numbers of parts, separated by commas, {PARTS_GIVEN} at most, whose fresh addresses are wanted",
        examples=["3,4"],
    )

    @field_validator("parts")
    @classmethod
    def _not_too_many(cls, text: str | None) -> str | None:
        if text is not None and text.count(",") >= PARTS_GIVEN:
            raise ValueError(f"must be {PARTS_GIVEN} numbers at most")
        return text

    @property
    def numbers(self) -> list[int]:
        """The parts, each once."""
        return list(dict.fromkeys(int(number) for number in (self.parts or "").split(",") if number))


class UploadsQuery(ClientModel):
    """Parameters of a list of uploads."""

    state: UploadState | None = Field(default=None, description="Only uploads in this state")
    cursor: str | None = Field(
        default=None, pattern=rf"^{UPLOAD_ID.pattern}$", description="The next_cursor of the page before"
    )
    limit: int = Field(default=50, ge=1, le=100, description="How many uploads a page has")


async def get_upload(services: Services, request: Request, caller: Caller) -> Response:
    """``GET /v1/uploads/{id}``: how it stands; while it waits, with fresh addresses and with what has arrived.

    So an upload that broke off goes on: ask which parts were `received`, then for the addresses of the others. A file
    without parts has a fresh address in each answer.
    """
    upload_id, query = upload_id_in(request), read_query(request, UploadQuery)
    row = await services.store.read(lambda c: rows.own_upload(c, caller.tenant, upload_id))
    received = None
    if not query.numbers and row.multipart_id is not None and row.state == UploadState.WAITING:
        row, received = await _with_received(services, row, row.multipart_id)
    if row.sha256 is not None:
        await services.storage.verifies_sha256()  # what the address says hangs on it
    return json_response(view_of(services, row, query.numbers, received).model_dump_json().encode())


async def _with_received(
    services: Services, row: UploadRow, multipart_id: str
) -> tuple[UploadRow, list[ReceivedPart] | None]:
    stored = await services.storage.stored_parts(row.object_key, multipart_id)
    if stored is not None:
        return row, [ReceivedPart(n=part.n, etag=part.etag, size_bytes=part.size_bytes) for part in stored]
    whole = await services.storage.head(row.object_key)
    if whole is not None:  # put together already by a completion that broke off
        sizes = part_sizes(row.size_bytes, row.part_bytes or row.size_bytes)
        return row, [ReceivedPart(n=n, etag=whole.etag or "", size_bytes=size) for n, size in enumerate(sizes, 1)]
    now_ms = services.clock.now_ms()
    await services.store.write(lambda c: rows.mark_lost(c, row, now_ms))
    return await services.store.read(lambda c: rows.own_upload(c, row.tenant, row.id)), None


async def list_uploads(services: Services, request: Request, caller: Caller) -> Response:
    """``GET /v1/uploads``: one page of the tenant's uploads, newest first; read one alone for fresh addresses."""
    query = read_query(request, UploadsQuery)
    found = await services.store.read(
        lambda c: rows.list_uploads(c, caller.tenant, query.state, query.cursor, query.limit + 1)
    )
    views = [_listed(view_of(services, row)) for row in found[: query.limit]]
    page = UploadPage(uploads=views, next_cursor=views[-1].id if len(found) > query.limit else None)
    return json_response(page.model_dump_json().encode())


def _listed(view: UploadView) -> UploadView:
    return view.model_copy(update={"method": None, "url": None, "headers": None, "parts": None, "urls_expire_at": None})


ROUTES = (
    Described(
        "GET",
        "/v1/uploads",
        "List uploads",
        keyed=list_uploads,
        scope=READ_JOBS,
        query=UploadsQuery,
        replies=(Reply("One page of uploads, newest first, without addresses", UploadPage),),
        group="Uploads",
    ),
    Described(
        "GET",
        "/v1/uploads/{upload_id}",
        "Read an upload",
        keyed=get_upload,
        scope=READ_JOBS,
        query=UploadQuery,
        replies=(Reply("How it stands", UploadView),),
        refusals=(InvalidRequest,),
        group="Uploads",
    ),
)

"""Acting on an upload: complete it, delete it."""

from http import HTTPStatus
from typing import Any

import structlog
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.answers import json_response
from orchestrator.api.door.bodies import parse_json, read_body, require_json
from orchestrator.api.door.described import Described, Reply
from orchestrator.api.door.query import upload_id_in
from orchestrator.caller import Caller
from orchestrator.jobs.accept import field_errors
from orchestrator.keys import WRITE_JOBS
from orchestrator.services import Services
from orchestrator.store.uploading import rows
from orchestrator.uploads import complete
from orchestrator.uploads.offer import view_of
from shared.refusals import (
    InvalidRequest,
    LegalHold,
    UploadChanged,
    UploadDamaged,
    UploadExpired,
    UploadFormat,
    UploadIncomplete,
    UploadInUse,
)
from shared.uploads.upload import CompleteRequest, UploadView

log = structlog.get_logger()


async def complete_upload(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /v1/uploads/{id}/complete``: what has arrived is measured, looked at and pinned; then jobs may use it.

    Asked again, the answer is the same. A file that is not what it was said to be rejects the upload for good.
    """
    asked = await _asked(request, services.settings.max_body_bytes)
    upload_id = upload_id_in(request)
    etags = {part.n: part.etag.removeprefix("W/").strip('"') for part in asked.parts or ()}
    row = await services.store.read(lambda c: rows.own_upload(c, caller.tenant, upload_id))
    completed = await complete.complete_upload(services, row, etags)
    return json_response(view_of(services, completed).model_dump_json().encode())


async def delete_upload(services: Services, request: Request, caller: Caller) -> Response:
    """``DELETE /v1/uploads/{id}``: 204; its file is gone very soon, unless another upload of yours is the same file."""
    upload_id, now_ms = upload_id_in(request), services.clock.now_ms()
    await services.store.write(lambda c: rows.delete_upload(c, caller.tenant, upload_id, caller.key_id, now_ms))
    log.info("upload.deleted", upload_id=upload_id)
    services.uploads_ended.set()
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _asked(request: Request, max_bytes: int) -> CompleteRequest:
    raw = await read_body(request, max_bytes)
    if not raw:
        return CompleteRequest()
    require_json(request)
    body: Any = parse_json(raw)
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    try:
        return CompleteRequest.model_validate(body)
    except ValidationError as invalid:
        raise InvalidRequest(errors=field_errors(invalid, CompleteRequest)) from None


ROUTES = (
    Described(
        "POST",
        "/v1/uploads/{upload_id}/complete",
        "Complete an upload",
        keyed=complete_upload,
        scope=WRITE_JOBS,
        body=CompleteRequest,
        body_example={},
        body_required=False,
        replies=(Reply("The file is here; upload://ID names it in a job", UploadView),),
        refusals=(UploadIncomplete, UploadChanged, UploadExpired, UploadFormat, UploadDamaged),
        group="Uploads",
    ),
    Described(
        "DELETE",
        "/v1/uploads/{upload_id}",
        "Delete an upload",
        keyed=delete_upload,
        scope=WRITE_JOBS,
        replies=(Reply("Gone", status=HTTPStatus.NO_CONTENT, media_type=None),),
        refusals=(UploadInUse, LegalHold),
        group="Uploads",
    ),
)

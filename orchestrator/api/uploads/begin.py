"""Beginning an upload."""

from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.answers import json_response
from orchestrator.api.door.bodies import take_json
from orchestrator.api.door.described import Described, Header, Reply
from orchestrator.caller import Caller
from orchestrator.jobs.accept import field_errors
from orchestrator.keys import WRITE_JOBS
from orchestrator.services import Services
from orchestrator.uploads.begin import begin_upload
from orchestrator.uploads.offer import first_parts, view_of
from shared.errors import StorageFull
from shared.refusals import InvalidRequest, TooManyUploads
from shared.uploads.upload import UploadRequest, UploadView

_LOCATION = Header("Location", "The upload's address", "/v1/uploads/upl_01K9ZV6Q0S8M7D3X5B2C4F6G8H")
SENT_WHOLE = {
    "state": "waiting",
    "method": "PUT",
    "url": "https://bucket.example/acme/uploads/01K9ZV6Q0S8M7D3X5B2C4F6G8H?X-Amz-Signature=…",
    "headers": {"Content-Type": "image/jpeg"},
    "urls_expire_at": "2026-05-04T13:30:00Z",
    "completed_at": None,
}


async def create_upload(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /v1/uploads``: where to send a file, straight to the storage; nothing is to be sent if it is completed.

    A file is sent by one PUT to `url`, or, where it is large, by one PUT for each of the `parts`; then the upload is
    completed. With `sha256`, a file of yours that is here already and was found to have it is used at once.
    """
    asked = await take_json(request, services.settings.max_body_bytes, _asked)
    row = await begin_upload(services, caller, asked)
    told = view_of(services, row, first_parts(row))
    return json_response(told.model_dump_json().encode(), HTTPStatus.CREATED, {"location": f"/v1/uploads/{row.id}"})


def _asked(body: Any) -> UploadRequest:
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    try:
        return UploadRequest.model_validate(body)
    except ValidationError as invalid:
        raise InvalidRequest(errors=field_errors(invalid, UploadRequest)) from None


ROUTES = (
    Described(
        "POST",
        "/v1/uploads",
        "Begin an upload",
        keyed=create_upload,
        scope=WRITE_JOBS,
        body=UploadRequest,
        body_example={"name": "beach.jpg", "size_bytes": 812_345, "content_type": "image/jpeg"},
        replies=(
            Reply(
                "The file may be sent, or is here already",
                UploadView,
                HTTPStatus.CREATED,
                headers=(_LOCATION,),
                example=SENT_WHOLE,
            ),
        ),
        refusals=(TooManyUploads, StorageFull),
        group="Uploads",
    ),
)

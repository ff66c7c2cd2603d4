"""The earlier system's route for img2vid: the same request, held until done, the same response.

Two differences, both on purpose: `video_url` is a whole address (theirs was a path to be joined with the host),
and a request that can't be taken is answered with a problem, as everywhere.
"""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.api.door.described import Described, Reply
from orchestrator.api.jobs.read import job_response, wait_for_end
from orchestrator.api.jobs.submit import submit, with_location
from orchestrator.caller import Caller
from orchestrator.jobs.accept import field_errors
from orchestrator.keys import WRITE_JOBS
from orchestrator.services import Services
from orchestrator.store.reading import item_rows, job_row
from orchestrator.views import Json, item_view
from shared.clock import to_datetime
from shared.refusals import FieldError, InvalidRequest, NotFound, QueueFull
from shared.wire.job import MAX_ITEMS, ItemIdText, JobView

OUTPUT_TTL_S = 3600
"""The earlier system removed its videos after an hour."""

_POINTERS = {"items": "images", "image": "image_url", "duration_s": "duracao"}


class _Image(BaseModel):
    """Fields that the earlier system didn't know were ignored, and are."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: ItemIdText
    image_url: str
    duracao: float | None = Field(default=None, strict=True, allow_inf_nan=False)


class _Request(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    images: list[_Image] = Field(min_length=1, max_length=MAX_ITEMS)


async def img2vid(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /video/img2vid``: 200 if any video came out, else 502; 202 with the job if it takes too long."""
    try:
        stored = await submit(services, request, caller, _as_job)
        job_id = stored.id
    except InvalidRequest as refused:
        raise InvalidRequest(refused.detail, [_as_asked(fault) for fault in refused.errors]) from None
    status = await wait_for_end(services, request, caller, job_id, services.settings.compat_wait_s)
    if status.terminal:
        return await services.store.read(lambda connection: _response(services, connection, caller, job_id))
    return with_location(await job_response(services, caller, job_id, HTTPStatus.ACCEPTED), stored)


def _as_job(body: Any) -> dict[str, Any]:
    """Return the job that stands for an earlier request."""
    try:
        asked = _Request.model_validate(body)
    except ValidationError as invalid:
        raise InvalidRequest(errors=field_errors(invalid)[:50]) from None
    items = [
        {"id": image.id, "image": image.image_url} | ({} if image.duracao is None else {"duration_s": image.duracao})
        for image in asked.images
    ]
    return {"operation": "img2vid", "items": items, "output_ttl_s": OUTPUT_TTL_S}


def _as_asked(fault: FieldError) -> FieldError:
    """Point at the field as the earlier system named it."""
    return FieldError("/".join(_POINTERS.get(part, part) for part in fault.pointer.split("/")), fault.detail)


def _response(services: Services, connection: Connection, caller: Caller, job_id: str) -> Response:
    row = job_row(connection, caller.tenant, job_id)
    if row is None:
        raise NotFound
    links = services.links
    items = [item_view(item, job_id, links) for item in item_rows(connection, caller.tenant, job_id, MAX_ITEMS)]
    videos = [
        {"id": item["id"], "video_url": item["output"]["video"]["url"]} for item in items if "video" in item["output"]
    ]
    errors = [_error(item) for item in items if "video" not in item["output"]]
    code = HTTPStatus.OK if videos else HTTPStatus.BAD_GATEWAY
    content = {
        "code": int(code),
        "message": _message(len(videos), len(errors)),
        "videos": videos,
        **({"errors": errors} if errors else {}),
        "execution": _execution(row["created_ms"], row["completed_ms"]),
    }
    return JSONResponse(content, code, {"cache-control": "no-store", "x-job-id": job_id})


def _message(videos: int, errors: int) -> str:
    if not errors:
        return "Images converted to videos successfully"
    return f"{videos} of {videos + errors} images converted to videos; see errors"


def _error(item: Json) -> dict[str, str]:
    if error := item["error"]:
        return {"id": item["id"], "code": error["code"], "message": error["detail"]}
    status = item["status"]
    return {"id": item["id"], "code": status.lower(), "message": f"This image's work ended as {status}."}


def _execution(start_ms: int, end_ms: int) -> dict[str, Any]:
    return {
        "startTime": _iso(start_ms),
        "endTime": _iso(end_ms),
        "durationSeconds": round((end_ms - start_ms) / 1000, 3),
    }


def _iso(epoch_ms: int) -> str:
    """Return the form that JavaScript's toISOString gives."""
    return to_datetime(epoch_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


ROUTES = (
    Described(
        "POST",
        "/video/img2vid",
        "Turn photos into videos and wait for them",
        keyed=img2vid,
        scope=WRITE_JOBS,
        body=_Request,
        replies=(
            Reply("Some or all videos are there"),
            Reply("It takes longer; the job goes on", JobView, HTTPStatus.ACCEPTED),
            Reply("No video came out; the body says why", status=HTTPStatus.BAD_GATEWAY),
        ),
        refusals=(QueueFull,),
        group="Compatible",
    ),
)

"""The earlier system's route for img2vid: the same request, held until done, the same response.

Two differences, both on purpose: `video_url` is a whole address (theirs was a path to be joined with the host),
and a request that can't be taken is answered with a problem, as everywhere.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.api.door.described import Described, Header, Reply
from orchestrator.api.jobs.read import ETAG, RETRY_AFTER, job_response, wait_for_end
from orchestrator.api.jobs.submit import LOCATION, submit, with_location
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


class Photo(BaseModel):
    """A photo to make a video of. Fields that the earlier system didn't know were ignored, and are."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: ItemIdText = Field(description="Yours; unique in the request", examples=["img-001"])
    image_url: str = Field(description="Where the photo is", examples=["https://example.com/photo.jpg"])
    duracao: float | None = Field(
        default=None, strict=True, allow_inf_nan=False, description="Seconds of video; 5 without it", examples=[4]
    )


class PhotosRequest(BaseModel):
    """Photos to make videos of."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    images: list[Photo] = Field(min_length=1, max_length=MAX_ITEMS)


class Video(BaseModel):
    """A video that came out."""

    id: str = Field(description="The photo's", examples=["img-001"])
    video_url: str = Field(
        description="A whole address, good for an hour",
        examples=["https://media.example/output/am9iXzAxSzlaVjZRMFM4TTdEM1g1QjJDNEY2RzhIfDB8dmlkZW8/img-001-video.mp4"],
    )


class PhotoError(BaseModel):
    """A photo without a video."""

    id: str = Field(description="The photo's", examples=["img-002"])
    code: str = Field(description="Stable, for programs", examples=["source-not-found"])
    message: str = Field(examples=["The source's server says that there is no such file."])


class Execution(BaseModel):
    """When the request was worked on."""

    startTime: datetime = Field(examples=["2026-05-04T12:30:00.000Z"])  # noqa: N815 - as the earlier system had it
    endTime: datetime = Field(examples=["2026-05-04T12:30:12.345Z"])  # noqa: N815
    durationSeconds: float = Field(examples=[12.345])  # noqa: N815


class VideosReply(BaseModel):
    """What became of the photos."""

    code: int = Field(description="The answer's status once more", examples=[200])
    message: str = Field(examples=["1 of 2 images converted to videos; see errors"])
    videos: list[Video]
    errors: list[PhotoError] = Field(default=[], description="Only where there are any")
    execution: Execution


async def make_videos(services: Services, request: Request, caller: Caller) -> Response:
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
        asked = PhotosRequest.model_validate(body)
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


_JOB_ID = Header("X-Job-Id", "The job that was made of the request", "job_01K9ZV6Q0S8M7D3X5B2C4F6G8H")

ROUTES = (
    Described(
        "POST",
        "/video/img2vid",
        "Turn photos into videos and wait for them",
        keyed=make_videos,
        scope=WRITE_JOBS,
        body=PhotosRequest,
        replies=(
            Reply("Some or all videos are there", VideosReply, headers=(_JOB_ID,)),
            Reply(
                "It takes longer; the job goes on", JobView, HTTPStatus.ACCEPTED, headers=(LOCATION, ETAG, RETRY_AFTER)
            ),
            Reply("No video came out; the body says why", VideosReply, HTTPStatus.BAD_GATEWAY, headers=(_JOB_ID,)),
        ),
        refusals=(QueueFull,),
        group="Compatible",
    ),
)

"""What the earlier system answered with: the videos, the errors, and when it was worked on; held until all is done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.api.door.described import Header, Reply
from orchestrator.api.jobs.read import ETAG, RETRY_AFTER, job_response, wait_for_end
from orchestrator.api.jobs.submit import LOCATION, submit, with_location
from orchestrator.caller import Caller
from orchestrator.services import Services
from orchestrator.store.reading import item_rows, job_row
from orchestrator.views import Json, item_view
from shared.clock import to_datetime
from shared.refusals import FieldError, InvalidRequest, NotFound
from shared.wire.job import MAX_ITEMS, JobView

OUTPUT_TTL_S = 3600
"""The earlier system removed its videos after an hour."""


class Video(BaseModel):
    """A video that came out."""

    id: str = Field(description="Yours, as the request has it", examples=["img-001"])
    video_url: str = Field(
        description="A whole address, good for an hour",
        examples=["https://media.example/output/am9iXzAxSzlaVjZRMFM4TTdEM1g1QjJDNEY2RzhIfDB8dmlkZW8/img-001-video.mp4"],
    )


class ItemError(BaseModel):
    """What did not become a video."""

    id: str = Field(description="Yours, as the request has it", examples=["img-002"])
    code: str = Field(description="Stable, for programs", examples=["source-not-found"])
    message: str = Field(examples=["The source's server says that there is no such file."])


class Execution(BaseModel):
    """When the request was worked on."""

    startTime: datetime = Field(examples=["2026-05-04T12:30:00.000Z"])  # noqa: N815 - as the earlier system had it
    endTime: datetime = Field(examples=["2026-05-04T12:30:12.345Z"])  # noqa: N815
    durationSeconds: float = Field(examples=[12.345])  # noqa: N815


class VideosReply(BaseModel):
    """What became of the request."""

    code: int = Field(description="The answer's status once more", examples=[200])
    message: str = Field(examples=["1 of 2 images converted to videos; see errors"])
    videos: list[Video]
    errors: list[ItemError] = Field(default=[], description="Only where there are any")
    execution: Execution


@dataclass(frozen=True)
class Wording:
    """How one route names things: the earlier system's fields by ours, and its sentences."""

    pointers: Mapping[str, str]
    done: str
    """All of it went well."""
    partly: str
    """After the numbers: some of it, or nothing, came out."""
    ended: str
    """Before the word of how an item without a video ended."""


async def held(
    services: Services, request: Request, caller: Caller, as_job: Callable[[Any], dict[str, Any]], wording: Wording
) -> Response:
    """Hand in the job that stands for an earlier request and answer once it is done.

    200 if any video came out, else 502; 202 with the job if it takes too long.
    """
    try:
        stored = await submit(services, request, caller, as_job)
    except InvalidRequest as refused:
        raise InvalidRequest(refused.detail, [_as_asked(fault, wording) for fault in refused.errors]) from None
    job_id = stored.id
    status = await wait_for_end(services, request, caller, job_id, services.settings.compat_wait_s)
    if status.terminal:
        return await services.store.read(lambda connection: _response(services, connection, caller, job_id, wording))
    return with_location(await job_response(services, caller, job_id, HTTPStatus.ACCEPTED), stored)


def _as_asked(fault: FieldError, wording: Wording) -> FieldError:
    """Point at the field as the earlier system named it."""
    parts = fault.pointer.removeprefix("/input").split("/")
    return FieldError("/".join(wording.pointers.get(part, part) for part in parts), fault.detail)


def _response(services: Services, connection: Connection, caller: Caller, job_id: str, wording: Wording) -> Response:
    row = job_row(connection, caller.tenant, job_id)
    if row is None:
        raise NotFound
    links = services.links
    items = [item_view(item, job_id, links) for item in item_rows(connection, caller.tenant, job_id, MAX_ITEMS)]
    videos = [
        {"id": item["id"], "video_url": item["output"]["video"]["url"]} for item in items if "video" in item["output"]
    ]
    errors = [_error(item, wording) for item in items if "video" not in item["output"]]
    code = HTTPStatus.OK if videos else HTTPStatus.BAD_GATEWAY
    content = {
        "code": int(code),
        "message": _message(len(videos), errors, wording),
        "videos": videos,
        **({"errors": errors} if errors else {}),
        "execution": _execution(row["created_ms"], row["completed_ms"]),
    }
    return JSONResponse(content, code, {"cache-control": "no-store", "x-job-id": job_id})


def _message(made: int, errors: Sequence[Mapping[str, str]], wording: Wording) -> str:
    """Return how it went; where nothing came of it, with the first reason."""
    if not errors:
        return wording.done
    told = f"{made} of {made + len(errors)} {wording.partly}"
    return told if made else f"{told}; the first: {errors[0]['message']}"


def _error(item: Json, wording: Wording) -> dict[str, str]:
    if error := item["error"]:
        return {"id": item["id"], "code": error["code"], "message": error["detail"]}
    status = item["status"]
    return {"id": item["id"], "code": status.lower(), "message": f"{wording.ended} {status}."}


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

REPLIES = (
    Reply("Some or all videos are there", VideosReply, headers=(_JOB_ID,)),
    Reply("It takes longer; the job goes on", JobView, HTTPStatus.ACCEPTED, headers=(LOCATION, ETAG, RETRY_AFTER)),
    Reply("No video came out; the body says why", VideosReply, HTTPStatus.BAD_GATEWAY, headers=(_JOB_ID,)),
)

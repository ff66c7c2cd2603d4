"""The earlier system's route for img2vid.

Two differences, both on purpose: `video_url` is a whole address (theirs was a path to be joined with the host),
and a request that can't be taken is answered with a problem, as everywhere.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.compat.reply import OUTPUT_TTL_S, REPLIES, Wording, held
from orchestrator.api.door.described import Described
from orchestrator.caller import Caller
from orchestrator.jobs.accept import field_errors
from orchestrator.keys import WRITE_JOBS
from orchestrator.services import Services
from shared.refusals import InvalidRequest, QueueFull
from shared.wire.job import MAX_ITEMS, ItemIdText

_WORDING = Wording(
    pointers={"items": "images", "image": "image_url", "duration_s": "duracao"},
    done="Images converted to videos successfully",
    partly="images converted to videos; see errors",
    ended="This image's work ended as",
)


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


async def make_videos(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /video/img2vid``: 200 if any video came out, else 502; 202 with the job if it takes too long."""
    return await held(services, request, caller, _as_job, _WORDING)


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


ROUTES = (
    Described(
        "POST",
        "/video/img2vid",
        "Turn photos into videos and wait for them",
        keyed=make_videos,
        scope=WRITE_JOBS,
        body=PhotosRequest,
        replies=REPLIES,
        refusals=(QueueFull,),
        group="Compatible",
    ),
)

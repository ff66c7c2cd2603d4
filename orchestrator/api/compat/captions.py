"""The earlier system's route for caption: one video, one file of subtitles; its answer is a list of one."""

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

_WORDING = Wording(
    pointers={"video": "url_video", "subtitles": "url_srt"},
    done="Captions added to the video successfully",
    partly="videos made; see errors",
    ended="This video's work ended as",
)


class CaptionsRequest(BaseModel):
    """A video and the subtitles to draw into it. Fields that the earlier system didn't know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    url_video: str = Field(description="Where the video is", examples=["https://example.com/clip.mp4"])
    url_srt: str = Field(description="Where the subtitles are", examples=["https://example.com/clip.srt"])


async def add_captions(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /video/caption``: 200 with the video, 502 without one; 202 with the job if it takes too long."""
    return await held(services, request, caller, _as_job, _WORDING)


def _as_job(body: Any) -> dict[str, Any]:
    """Return the job that stands for an earlier request."""
    try:
        asked = CaptionsRequest.model_validate(body)
    except ValidationError as invalid:
        raise InvalidRequest(errors=field_errors(invalid)[:50]) from None
    item = {"video": asked.url_video, "subtitles": asked.url_srt}
    return {"operation": "caption", "input": item, "output_ttl_s": OUTPUT_TTL_S}


ROUTES = (
    Described(
        "POST",
        "/video/caption",
        "Draw captions into a video and wait for it",
        keyed=add_captions,
        scope=WRITE_JOBS,
        body=CaptionsRequest,
        replies=REPLIES,
        refusals=(QueueFull,),
        group="Compatible",
    ),
)

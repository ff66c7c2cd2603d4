"""The earlier system's route for add_audio: one video, one sound; its answer is a list of one."""

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
    pointers={"video": "url_video", "audio": "url_audio"},
    done="Audio added to the video successfully",
    partly="videos made; see errors",
    ended="This video's work ended as",
)


class SoundRequest(BaseModel):
    """A video and the sound that takes the place of its own. Fields that the earlier system didn't know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    url_video: str = Field(description="Where the video is", examples=["https://example.com/clip.mp4"])
    url_audio: str = Field(description="Where the sound is", examples=["https://example.com/voice.mp3"])


async def add_sound(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /video/adicionaAudio``: 200 with the video, 502 without one; 202 with the job if it takes too long."""
    return await held(services, request, caller, _as_job, _WORDING)


def _as_job(body: Any) -> dict[str, Any]:
    """Return the job that stands for an earlier request."""
    try:
        asked = SoundRequest.model_validate(body)
    except ValidationError as invalid:
        raise InvalidRequest(errors=field_errors(invalid)[:50]) from None
    item = {"video": asked.url_video, "audio": asked.url_audio}
    return {"operation": "add_audio", "input": item, "output_ttl_s": OUTPUT_TTL_S}


ROUTES = (
    Described(
        "POST",
        "/video/adicionaAudio",
        "Give a video another sound and wait for it",
        keyed=add_sound,
        scope=WRITE_JOBS,
        body=SoundRequest,
        replies=REPLIES,
        refusals=(QueueFull,),
        group="Compatible",
    ),
)

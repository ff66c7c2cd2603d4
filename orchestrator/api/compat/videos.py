"""The earlier system's routes for one video and one more file: caption and add_audio. Their answer is a list of one."""

from functools import partial
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

_PARTLY = "videos made; see errors"
_ENDED = "This video's work ended as"
_CAPTIONS = Wording(
    pointers={"video": "url_video", "subtitles": "url_srt"},
    done="Captions added to the video successfully",
    partly=_PARTLY,
    ended=_ENDED,
)
_SOUND = Wording(
    pointers={"video": "url_video", "audio": "url_audio"},
    done="Audio added to the video successfully",
    partly=_PARTLY,
    ended=_ENDED,
)


class _VideoRequest(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    url_video: str = Field(description="Where the video is", examples=["https://example.com/clip.mp4"])


class CaptionsRequest(_VideoRequest):
    """A video and the subtitles to draw into it. Fields that the earlier system didn't know are ignored."""

    url_srt: str = Field(description="Where the subtitles are", examples=["https://example.com/clip.srt"])


class SoundRequest(_VideoRequest):
    """A video and the sound that takes the place of its own. Fields that the earlier system didn't know are ignored."""

    url_audio: str = Field(description="Where the sound is", examples=["https://example.com/voice.mp3"])


async def add_captions(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /video/caption``: 200 with the video, 502 without one; 202 with the job if it takes too long."""
    return await held(services, request, caller, partial(_as_job, "caption", CaptionsRequest, _CAPTIONS), _CAPTIONS)


async def add_sound(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /video/adicionaAudio``: 200 with the video, 502 without one; 202 with the job if it takes too long."""
    return await held(services, request, caller, partial(_as_job, "add_audio", SoundRequest, _SOUND), _SOUND)


def _as_job(operation: str, model: type[_VideoRequest], wording: Wording, body: Any) -> dict[str, Any]:
    """Return the job that stands for an earlier request."""
    try:
        asked = model.model_validate(body)
    except ValidationError as invalid:
        raise InvalidRequest(errors=field_errors(invalid)[:50]) from None
    item = {ours: getattr(asked, theirs) for ours, theirs in wording.pointers.items()}
    return {"operation": operation, "input": item, "output_ttl_s": OUTPUT_TTL_S}


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

"""The graph that makes one sound of the video's own and another one; nothing in it is text of a user."""

from dataclasses import dataclass
from typing import Any

import ffmpeg as graph

from shared.operations.add_audio import Duration, Mode, Params
from worker.media.sound import aac
from worker.media.source import Source

SAMPLE_RATE = 48_000
_DUCK = {"threshold": 0.02, "ratio": 8, "attack": 20, "release": 500}
"""Speech above -34 dB takes the music down by eight to one; it is back half a second later."""
_MS = 1000
_SOON_S = 0.05
"""What nobody hears: some two frames of AAC."""
Stream = Any
"""ffmpeg-python's nodes have no types."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When things are, in seconds of the result."""

    whole_s: float
    """How long the result is."""
    sound_s: float
    """How long the new sound is heard, from its beginning on."""


def timing(params: Params, video_s: float, audio_s: float) -> Timing:
    """Return how long the result and its new sound are, of a video and a sound so long."""
    heard_s = max(0.0, audio_s - params.start_s)
    ends_s = video_s if params.loop else params.offset_s + heard_s
    match params.duration:
        case Duration.VIDEO:
            whole_s = video_s
        case Duration.AUDIO:
            whole_s = ends_s
        case Duration.SHORTEST:
            whole_s = min(video_s, ends_s)
        case Duration.LONGEST:
            whole_s = max(video_s, ends_s)
    return Timing(whole_s, max(0.0, min(ends_s, whole_s) - params.offset_s))


def fits(params: Params, when: Timing, video: Source, audio: Source) -> bool:
    """Whether the new sound can be copied: players play it, it lasts long enough, and nothing asks for another one."""
    track = audio.sound
    alone = params.mode is Mode.REPLACE or video.audio is None
    untouched = params.volume == 1 and params.loudness_lufs is None and not (params.fade_in_s or params.fade_out_s)
    at_once = not (params.loop or params.start_s or params.offset_s) and track.start_s <= _begins_s(audio) + _SOON_S
    lasting = track.duration_s >= when.whole_s - _SOON_S
    return track.codec == aac.CODEC and alone and untouched and at_once and lasting


def _begins_s(source: Source) -> float:
    """Return when the first of its streams begins: FFmpeg takes that for zero."""
    facts = source.facts
    return min([*(track.start_s for track in facts.video), *(track.start_s for track in facts.audio)])


def mixed(params: Params, when: Timing, video: Source, audio: Source) -> tuple[Stream, list[str]]:
    """Return the sound of the result, and the names of the filters in it."""
    names: list[str] = []
    new = _new_sound(params, when, audio, names)
    own = _own_sound(params, video, names)
    if own is not None:
        new = _together(params.mode, new, own, names)
    # The frames of a sound end where they end; it has to last as long as the pictures, and no longer.
    return _through(new, names, "apad", whole_dur=when.whole_s).filter("atrim", end=when.whole_s), [*names, "atrim"]


def _new_sound(params: Params, when: Timing, audio: Source, names: list[str]) -> Stream:
    before: dict[str, float] = {"stream_loop": -1} if params.loop else {}
    if params.start_s and not params.loop:
        before["ss"] = params.start_s
    track = audio.sound
    sound = graph.input(f"file:{audio.path}", **audio.arguments(), **before)[str(track.index)]
    sound = _through(sound, names, "aresample", sample_rate=SAMPLE_RATE)
    if params.start_s and params.loop:
        sound = _through(sound, names, "atrim", start=params.start_s)
        sound = _through(sound, names, "asetpts", expr="PTS-STARTPTS")
    sound = _through(sound, names, "atrim", end=when.sound_s)
    if params.volume != 1:
        sound = _through(sound, names, "volume", volume=params.volume)
    if params.fade_in_s:
        sound = _through(sound, names, "afade", type="in", duration=params.fade_in_s)
    if params.fade_out_s:
        start_s = max(0.0, when.sound_s - params.fade_out_s)
        sound = _through(sound, names, "afade", type="out", start_time=start_s, duration=params.fade_out_s)
    if params.offset_s:
        sound = _through(sound, names, "adelay", delays=round(params.offset_s * _MS), all=1)
    return sound


def _own_sound(params: Params, video: Source, names: list[str]) -> Stream | None:
    """Return the video's own sound where it is kept and there is one."""
    track = video.audio
    if params.mode is Mode.REPLACE or track is None:
        return None
    own = graph.input(f"file:{video.path}", **video.arguments())[str(track.index)]
    # Gaps in it are filled, so that it stays with the pictures.
    own = own.filter("aresample", sample_rate=SAMPLE_RATE, **{"async": 1, "first_pts": 0})
    names.append("aresample")
    return own if params.original_volume == 1 else _through(own, names, "volume", volume=params.original_volume)


def _together(mode: Mode, new: Stream, own: Stream, names: list[str]) -> Stream:
    if mode is Mode.DUCK:
        parts = own.filter_multi_output("asplit", 2)
        own = parts[0]
        # The silent end of the speech lasts, or the music would end with it.
        loud = parts[1].filter("apad")
        new = graph.filter([new, loud], "sidechaincompress", **_DUCK)
        names += ["asplit", "sidechaincompress"]
    both = graph.filter([own, new], "amix", inputs=2, duration="longest", normalize=0)
    names.append("amix")
    return _through(both, names, "alimiter", limit=0.97, level=0)


def _through(stream: Stream, names: list[str], name: str, **options: Any) -> Stream:
    names.append(name)
    return stream.filter(name, **options)

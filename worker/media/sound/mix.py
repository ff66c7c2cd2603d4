"""The one sound that is made of the video's own and another one; nothing in its graph is text of a user."""

from dataclasses import dataclass
from typing import Any

import ffmpeg as graph

from shared.errors import MediaCorrupt, MediaLimits
from shared.media.facts import AudioTrack
from shared.operations.add_audio import Duration, Mode, Params
from worker.media.inspection.doors import check_length
from worker.media.sound import aac
from worker.media.source import Source

SAMPLE_RATE = 48_000
_DUCK = {"threshold": 0.02, "ratio": 8, "attack": 20, "release": 500}
"""Speech above -34 dB takes the music down by eight to one; it is back half a second later."""
_LIMIT = {"limit": 0.97, "level": 0}
"""What is louder than full scale is held below it, instead of being cut."""
_IN_TIME = {"async": 1, "first_pts": 0}
"""A late beginning and gaps are filled, so that a sound stays with the pictures."""
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
    """Return how long the result and its new sound are, of a video and a sound that end then.

    MediaLimits where nothing would be left, or too much.
    """
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
    if whole_s <= 0:
        raise MediaLimits("Nothing would be left: the sound is over before it begins.")
    check_length(whole_s)
    return Timing(whole_s, max(0.0, min(ends_s, whole_s) - params.offset_s))


@dataclass(frozen=True, slots=True)
class Mix:
    """What was sent and asked for, and what sound follows from it."""

    params: Params
    video: Source
    audio: Source
    own: AudioTrack | None
    """The video's own sound, where it is kept and there is one."""
    when: Timing

    @classmethod
    def of(cls, params: Params, video: Source, audio: Source) -> "Mix":
        """Return the mix; MediaFormat, MediaCorrupt or MediaLimits where none can be made."""
        track = audio.sound
        own = None if params.mode is Mode.REPLACE else video.audio
        ended_s = video.ended_s(*([own] if own else []))
        when = timing(params, ended_s, track.start_s - audio.zero_s(track) + track.duration_s)
        mix = cls(params, video, audio, own, when)
        if not track.readable:
            raise MediaCorrupt("The sound can't be decoded.")
        if mix.own is not None and not mix.own.readable:
            raise MediaCorrupt("The video's own sound can't be decoded; the mode `replace` does without it.")
        return mix

    @property
    def begun_s(self) -> float:
        """When the pictures begin in the result."""
        return self.video.begun_s(*([self.own] if self.own else []))

    @property
    def channels(self) -> int:
        """How many channels come out: as many as the richer one has, as players have them."""
        return aac.channels(max(self.audio.sound.channels, self.own.channels if self.own else 0))

    @property
    def fits(self) -> bool:
        """Whether the new sound can be copied: players play it, it lasts, and nothing asks for another one."""
        track, params = self.audio.sound, self.params
        untouched = params.volume == 1 and params.loudness_lufs is None and not (params.fade_in_s or params.fade_out_s)
        late_s = track.start_s - self.audio.zero_s(track)
        at_once = not (params.loop or params.start_s or params.offset_s) and late_s <= _SOON_S
        lasting = track.duration_s >= self.when.whole_s - _SOON_S
        return track.codec == aac.CODEC and self.own is None and untouched and at_once and lasting

    @property
    def reasons(self) -> list[str]:
        """What is unlike what one might expect, one sentence each."""
        told = {
            "the new sound is copied: nothing asks for another one": self.fits,
            "the video has no sound of its own": self.params.mode is not Mode.REPLACE and self.own is None,
            "the new sound is not heard: nothing of it falls into the video": self.when.sound_s <= 0,
        }
        return [reason for reason, holds in told.items() if holds]

    def copied(self) -> Stream:
        """Return the new sound as it is."""
        return graph.input(f"file:{self.audio.path}", **self.audio.arguments())[str(self.audio.sound.index)]

    def mixed(self, media: Stream | None = None) -> tuple[Stream, list[str]]:
        """Return the sound of the result, and the names of the filters in it.

        `media` is the video's input if its pictures are read as well: both have one zero then.
        """
        names: list[str] = []
        new = self._new(names)
        if self.own is not None:
            media = media or graph.input(f"file:{self.video.path}", **self.video.arguments())
            own = self._in_place(media[str(self.own.index)], self.own, names)
            if self.params.original_volume != 1:
                own = _through(own, names, "volume", volume=self.params.original_volume)
            new = self._together(new, own, names)
        # The frames of a sound end where they end; it has to last as long as the pictures, and no longer.
        whole_s = self.when.whole_s
        return _through(new, names, "apad", whole_dur=whole_s).filter("atrim", end=whole_s), [*names, "atrim"]

    def _new(self, names: list[str]) -> Stream:
        params, track, sound_s = self.params, self.audio.sound, self.when.sound_s
        # ffmpeg-python takes equal inputs for one: the offset tells this one apart where a video is mixed with itself.
        before: dict[str, float] = {"itsoffset": 0, **({"stream_loop": -1} if params.loop else {})}
        if params.start_s and not params.loop:
            before["ss"] = params.start_s
        sound = graph.input(f"file:{self.audio.path}", **self.audio.arguments(), **before)[str(track.index)]
        sound = self._in_place(sound, track, names)
        if params.start_s and params.loop:
            sound = _through(sound, names, "atrim", start=params.start_s)
            sound = _through(sound, names, "asetpts", expr="PTS-STARTPTS")
        sound = _through(sound, names, "atrim", end=sound_s)
        if params.volume != 1:
            sound = _through(sound, names, "volume", volume=params.volume)
        if params.volume > 1 and self.own is None:
            sound = _through(sound, names, "alimiter", **_LIMIT)
        # Fades that are longer than the sound share it: it would never be as loud as it is.
        share = min(1.0, sound_s / max(params.fade_in_s + params.fade_out_s, 0.001))
        if params.fade_in_s:
            sound = _through(sound, names, "afade", type="in", duration=params.fade_in_s * share)
        if params.fade_out_s:
            fall_s = params.fade_out_s * share
            sound = _through(sound, names, "afade", type="out", start_time=sound_s - fall_s, duration=fall_s)
        if params.offset_s:
            sound = _through(sound, names, "adelay", delays=round(params.offset_s * _MS), all=1)
        return sound

    def _in_place(self, sound: Stream, track: AudioTrack, names: list[str]) -> Stream:
        """Bring a sound to the result's clock, rate and channels; one channel stays as loud on both sides."""
        sound = _through(sound, names, "aresample", sample_rate=SAMPLE_RATE, **_IN_TIME)
        layout = aac.LAYOUTS[self.channels]
        if track.channels == 1 and self.channels == 2:  # FFmpeg's own way makes it softer by 3 dB
            return _through(sound, names, "pan", args=f"{layout}|c0=c0|c1=c0")
        return sound.filter("aformat", channel_layouts=layout)

    def _together(self, new: Stream, own: Stream, names: list[str]) -> Stream:
        if self.params.mode is Mode.DUCK:
            parts = own.filter_multi_output("asplit", 2)
            own = parts[0]
            # The silent end of the speech lasts, or the music would end with it.
            loud = parts[1].filter("apad")
            new = graph.filter([new, loud], "sidechaincompress", **_DUCK)
            names += ["asplit", "sidechaincompress"]
        both = graph.filter([own, new], "amix", inputs=2, duration="longest", normalize=0)
        names.append("amix")
        return _through(both, names, "alimiter", **_LIMIT)


def _through(stream: Stream, names: list[str], name: str, **options: Any) -> Stream:
    names.append(name)
    return stream.filter(name, **options)

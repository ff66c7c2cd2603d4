"""What a media file holds, as it was found by looking into it."""

from typing import Literal

from pydantic import Field

from shared.wire.model import WireModel

Hdr = Literal["hdr10", "hlg", "dolby_vision"]


class ColourFacts(WireModel):
    """How a video's numbers stand for colours, by FFmpeg's names; null where the file does not say."""

    primaries: str | None = Field(description="Which red, green and blue", examples=["bt709"])
    transfer: str | None = Field(description="How numbers stand for light", examples=["bt709"])
    matrix: str | None = Field(description="How luma and chroma are made from them", examples=["bt709"])
    range: Literal["limited", "full"] | None = Field(description="Which numbers are black and white")


class VideoTrack(WireModel):
    """A video stream."""

    index: int = Field(description="Its number in the file", examples=[0])
    codec: str = Field(description="How frames are encoded", examples=["h264"])
    profile: str | None = Field(description="Of the codec", examples=["High"])
    width: int = Field(description="As it is shown, in pixels: after the rotation", examples=[1080])
    height: int = Field(description="As it is shown, in pixels: after the rotation", examples=[1920])
    rotation: int = Field(description="Degrees by which frames are turned clockwise to be shown", examples=[90])
    pixel_aspect: float = Field(description="Width of a pixel by its height, as encoded", examples=[1.0])
    pixel_format: str = Field(description="FFmpeg's name", examples=["yuv420p"])
    bit_depth: int = Field(description="Of the luma", examples=[8])
    fps: float = Field(description="Frames per second, on average", examples=[29.97])
    variable_fps: bool = Field(description="Whether frames last differently long", examples=[False])
    interlaced: bool = Field(description="Whether a frame is two half pictures, one after the other", examples=[False])
    frames: int = Field(description="Counted, not believed", examples=[300])
    hidden_frames: int = Field(
        description="Frames beside these that the file says not to show: a clip that was cut without encoding",
        examples=[0],
    )
    delay_s: float = Field(
        description="How long before it is shown a frame comes at most: B-frames wait", examples=[0.08]
    )
    start_s: float = Field(description="When the first frame is shown", examples=[0.0])
    duration_s: float = Field(description="From the first frame to the end of the last", examples=[10.01])
    bit_rate: int = Field(description="Bits per second of the stream alone", examples=[4_000_000])
    colour: ColourFacts
    hdr: Hdr | None = Field(description="The kind of high dynamic range")
    language: str | None = Field(description="ISO 639 code", examples=["eng"])
    default: bool = Field(description="Whether players choose it by themselves", examples=[True])


class AudioTrack(WireModel):
    """An audio stream."""

    index: int = Field(description="Its number in the file", examples=[1])
    codec: str = Field(description="How sound is encoded", examples=["aac"])
    sample_rate: int = Field(description="Samples per second", examples=[48_000])
    channels: int = Field(description="How many there are", examples=[2])
    layout: str = Field(description="Which channels they are", examples=["stereo"])
    readable: bool = Field(description="Whether its beginning could be decoded", examples=[True])
    start_s: float = Field(description="When it begins", examples=[0.0])
    duration_s: float = Field(description="How long it lasts", examples=[10.01])
    bit_rate: int = Field(description="Bits per second of the stream alone", examples=[128_000])
    language: str | None = Field(description="ISO 639 code", examples=["eng"])
    default: bool = Field(description="Whether players choose it by themselves", examples=[True])


class SubtitleTrack(WireModel):
    """A subtitle stream."""

    index: int = Field(description="Its number in the file", examples=[2])
    codec: str = Field(description="How text is encoded", examples=["mov_text"])
    events: int = Field(description="How many texts there are", examples=[42])
    language: str | None = Field(description="ISO 639 code", examples=["por"])
    title: str | None = Field(description="What players call it", examples=["Português"])
    default: bool = Field(description="Whether players choose it by themselves", examples=[False])
    forced: bool = Field(description="Whether it is shown even where subtitles are off", examples=[False])


class Chapter(WireModel):
    """A named part of the time line."""

    start_s: float = Field(examples=[0.0])
    end_s: float = Field(examples=[61.5])
    title: str | None = Field(examples=["Intro"])


class Location(WireModel):
    """Where a file was recorded (WGS 84)."""

    latitude: float = Field(description="Degrees north", examples=[54.1843])
    longitude: float = Field(description="Degrees east", examples=[-2.7189])
    altitude_m: float | None = Field(description="Metres above the sea", examples=[12.0])


class VideoFileFacts(WireModel):
    """What a video that was made holds."""

    width: int = Field(description="As it is shown, in pixels", examples=[1280])
    height: int = Field(description="As it is shown, in pixels", examples=[720])
    duration_s: float = Field(description="Length of the pictures", examples=[9.64])
    fps: float = Field(description="Frames per second, on average", examples=[25.0])
    frames: int = Field(description="Counted", examples=[241])
    codec: str = Field(description="How the frames are encoded", examples=["h264"])
    audio_codec: str | None = Field(description="How the sound is encoded; null for none", examples=["aac"])
    audio_s: float | None = Field(description="Length of the sound; null for none", examples=[9.66])
    bit_rate: int = Field(description="Bits per second of the whole file", examples=[4_200_000])


class MediaFacts(WireModel):
    """What a media file holds."""

    container: str = Field(description="FFmpeg's name of the format", examples=["mov"])
    size_bytes: int = Field(examples=[1_783_875])
    duration_s: float = Field(description="Of the longest video or audio stream", examples=[10.01])
    bit_rate: int = Field(description="Bits per second of the whole file", examples=[4_200_000])
    video: list[VideoTrack] = Field(description="Its video streams, without cover pictures")
    audio: list[AudioTrack] = Field(description="Its audio streams")
    subtitles: list[SubtitleTrack] = Field(description="Its subtitle streams")
    other_streams: int = Field(description="Cover pictures, data and attachments", examples=[0])
    chapters: list[Chapter]
    created_at: str | None = Field(description="As the file says, RFC 3339", examples=["2026-01-05T18:32:43Z"])
    location: Location | None = Field(description="Null unless it was asked for")

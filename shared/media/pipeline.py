"""How a file was made: what read it, what was done to it, what wrote it, and why."""

from pydantic import Field

from shared.wire.model import WireModel


class PipelineReport(WireModel):
    """The way of one item's media."""

    decoder: str = Field(description="What decoded the video: `none` where it was copied", examples=["none", "cpu"])
    filters: list[str] = Field(description="FFmpeg's filters, in their order", examples=[["amix", "alimiter"]])
    video: str = Field(description="What encoded the video: `copy` where nothing did", examples=["copy", "libx264"])
    audio: str = Field(
        description="What encoded the sound: `copy` where nothing did, `none` where there is none", examples=["aac"]
    )
    reasons: list[str] = Field(
        description="Why it was this way, one sentence each",
        examples=[["the video is copied: nothing asks for another one"]],
    )
    confinement: str = Field(
        description="What held FFmpeg to its own files", examples=["Landlock version 7 closes all other files"]
    )

"""img2vid: decode the photo, draw the camera's frames into the encoder, verify what came out."""

from shared.operations.img2vid import OPERATION, Params, Result, VideoFacts
from worker.context import Context
from worker.media import binary, encoder, ffmpeg, images, motion, probe
from worker.media.ken_burns import KenBurns
from worker.media.probe import VideoStream
from worker.media.pyramid import Pyramid

_DECODED = 0.05
_ENCODED = 0.97


def run(params: Params, context: Context) -> Result:
    """Make the video of one photo in the slot "video".

    Raises MediaEmpty, MediaFormat, MediaCorrupt, ImageTooLarge for the photo, and EncodeFailed, OutputInvalid,
    OutputTooLarge, WorkerDiskFull, WorkCancelled or WorkTimedOut for the work.
    """
    context.progress("decode", 0.0)
    frames = _photo_in_motion(params, context)
    context.cancel.check()
    context.progress("encode", _DECODED)
    chosen = encoder.choose()
    target = context.output("video")
    video = encoder.RawVideo(params.width, params.height, params.fps, params.frames)
    options = encoder.arguments(chosen.name, params.quality, context.threads)
    ffmpeg.feed(
        encoder.command(binary.find().path, video, target, options),
        frames,
        limits=ffmpeg.RunLimits(OPERATION.limits.timeout_s, OPERATION.slots(params)[0].max_bytes),
        cancel=context.cancel,
        on_frame=lambda done: context.progress("encode", _DECODED + (_ENCODED - _DECODED) * done / params.frames),
    )
    context.progress("verify", _ENCODED)
    made = probe.verified(target, width=params.width, height=params.height, fps=params.fps, frames=params.frames)
    context.progress("verify", 1.0)
    return Result(video=_facts(made), encoder=chosen)


def _photo_in_motion(params: Params, context: Context) -> KenBurns:
    size = (params.width, params.height)
    camera = motion.Camera(params.motion, params.zoom, (params.focus.x, params.focus.y), params.fit)
    with images.opened(context.input(params.image).path) as picture:
        plan = motion.plan(picture.size, size, camera, params.frames)
        pixels, shrunk = picture.pixels()
    return KenBurns(Pyramid(pixels, shrunk, plan.steps), plan, size)


def _facts(made: VideoStream) -> VideoFacts:
    return VideoFacts(
        width=made.width,
        height=made.height,
        duration_s=made.duration_s,
        fps=made.fps,
        frames=made.frames,
        codec=made.codec,
    )

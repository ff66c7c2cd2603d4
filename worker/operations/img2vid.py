"""img2vid: decode the photo, draw the camera's frames into the encoder, verify what came out."""

import cv2

from shared.media.encoding import Quality
from shared.media.pipeline import PipelineReport
from shared.operations.img2vid import OPERATION, Fit, Params, Result
from worker.context import Context
from worker.media import decoder, encoder, engines, made
from worker.media.engines import Engines
from worker.media.running import confinement
from worker.media.running.confinement import Reach
from worker.media.running.frames import feed
from worker.media.running.process import RunLimits
from worker.media.sound import aac
from worker.media.source import Source, open_media
from worker.media.still import backdrop, images, motion, pyramid
from worker.media.still.ken_burns import KenBurns

# The ratio of neighbouring levels' detail: closer ones follow the zoom better, and each has to be made.
SPREAD = {Quality.DRAFT: 1.18, Quality.BALANCED: 1.18, Quality.HIGH: 1.06}
_DECODED = 0.05
_ENCODED = 0.97


def run(params: Params, context: Context) -> Result:
    """Make the video of one photo in the slot "video".

    Raises MediaEmpty, MediaFormat, MediaCorrupt, ImageTooLarge, ImageFrames, MediaLimits for what was sent, and
    EncodeFailed, OutputInvalid, OutputTooLarge, WorkerDiskFull, WorkCancelled or WorkTimedOut for the work.
    """
    result, used = engines.run(
        Engines.chosen(params.codec),
        lambda used: render(params, context, encoder.arguments(used.encoder.name, params.quality, context.threads)),
    )
    pipeline = PipelineReport(
        decoder=decoder.NONE,
        filters=[],
        video=used.encoder.name,
        audio="none" if params.audio is None else aac.CODEC,
        reasons=used.reasons,
        confinement=confinement.report().reason,
    )
    return Result(video=result.as_made(), encoder=used.encoder, pipeline=pipeline)


def render(params: Params, context: Context, options: encoder.Arguments) -> Source:
    """Do what `run` does with the encoder options given, and return what the finished file was found to hold."""
    context.progress("decode", 0.0)
    # OpenCV's threads would fight the encoder's for the same cores: it runs at the same time, on earlier frames.
    cv2.setNumThreads(1)
    frames = photo_in_motion(params, context)
    sound = None if params.audio is None else open_media(context.input(params.audio).path, context.cancel)
    context.cancel.check()
    context.progress("encode", _DECODED)
    target = context.output("video")
    video = encoder.RawVideo(params.width, params.height, params.fps, params.frames)
    feed(
        encoder.command(encoder.program(params.codec), video, target, options, sound),
        frames,
        reach=Reach((sound.path,) if sound else (), (target.parent,), cuda=encoder.uses_cuda(str(options["vcodec"]))),
        limits=RunLimits(OPERATION.limits.timeout_s, OPERATION.slots(params)[0].max_bytes),
        cancel=context.cancel,
        on_frame=lambda done: context.progress("encode", _DECODED + (_ENCODED - _DECODED) * done / params.frames),
    )
    context.progress("verify", _ENCODED)
    ordered = made.Ordered(
        size=(params.width, params.height),
        frames=(params.frames, params.frames),
        length_s=params.frames / params.fps,
        sounds=0 if sound is None else 1,
        tolerance_s=0.5 / params.fps,
        codec=params.codec,
        pixel_format="yuv420p",
    )
    result = made.verified(target, ordered)
    context.progress("verify", 1.0)
    return result


def photo_in_motion(params: Params, context: Context) -> KenBurns:
    """Decode the item's photo and return its video's frames, ready to be drawn; errors as `run` has them."""
    size = (params.width, params.height)
    course = motion.Course(params.easing, params.ping_pong)
    camera = motion.Camera(params.motion, params.zoom, (params.focus.x, params.focus.y), params.fit, course)
    with images.opened(context.input(params.image).path) as picture:
        plan = motion.plan(picture.size, size, camera, params.frames)
        pixels, shrunk = picture.pixels(pyramid.reduction(plan.steps[0]))
    behind = backdrop.blurred(pixels, size) if params.fit is Fit.BLUR else None
    return KenBurns(pyramid.Pyramid(pixels, shrunk, plan, spread=SPREAD[params.quality]), plan, size, behind)

"""add_audio: mix the sound, copy the frames where that can be, verify what came out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ffmpeg as graph

from shared.media.encoding import Quality
from shared.media.pipeline import PipelineReport
from shared.operation import MAX_FILE_BYTES
from shared.operations.add_audio import OPERATION, LoudnessFacts, Params, Result
from worker.context import Context
from worker.media import conform, decoder, encoder, engines, made, mp4
from worker.media.engines import Engines
from worker.media.running import binary, confinement
from worker.media.running.confinement import Reach
from worker.media.running.convert import convert
from worker.media.running.process import RunLimits
from worker.media.sound import aac, loudness
from worker.media.sound.mix import SAMPLE_RATE, Mix
from worker.media.source import Source, open_media

_MEASURE_SHARE = 0.4
_VERIFY = 0.97
_QUIET = ("-hide_banner", "-nostdin", "-nostats")
OnTime = Callable[[float], None]


def run(params: Params, context: Context) -> Result:
    """Put the sound to the video, in the slot "video".

    Raises MediaEmpty, MediaFormat, MediaCorrupt, MediaTooLarge, MediaLimits for what was sent, and EncodeFailed,
    OutputInvalid, OutputTooLarge, WorkerDiskFull, WorkCancelled or WorkTimedOut for the work.
    """
    context.progress("probe", 0.0)
    video = open_media(context.input(params.video).path, context.cancel)
    mix = Mix.of(params, video, open_media(context.input(params.audio).path, context.cancel))
    job = _Job(params, context, mix)
    measured = None if params.loudness_lufs is None else job.measured()
    result, used = job.joined(measured)
    after = None if params.loudness_lufs is None else job.loudness_of(result)
    context.progress("verify", 1.0)
    facts = LoudnessFacts(before_lufs=measured.lufs, after_lufs=after) if measured else None
    return Result(video=result.as_made(), pipeline=job.pipeline(measured, used), loudness=facts)


@dataclass(frozen=True, slots=True)
class _Job:
    """One item: what was sent, and what is to come of it."""

    params: Params
    context: Context
    mix: Mix

    @property
    def video(self) -> Source:
        """The video that was sent."""
        return self.mix.video

    def measured(self) -> loudness.Measured:
        """Listen to the mixed sound without keeping it."""
        sound, _ = self.mix.mixed()
        sound = sound.filter("loudnorm", **loudness.measuring(self._target_lufs))
        return self._heard(sound, lambda done_s: self._progress("measure", 0.0, _MEASURE_SHARE, done_s))

    def joined(self, measured: loudness.Measured | None) -> tuple[Source, Engines | None]:
        """Write the video; return it, and what encoded its frames unless they are copied."""
        self.context.progress("encode", self._begun)
        if self.video.video.codec in mp4.VIDEO_CODECS:
            return self._made(measured, None), None
        return engines.run(Engines.chosen(source=self.video), lambda used: self._made(measured, used))

    def loudness_of(self, result: Source) -> float | None:
        """Return how loud the result is."""
        sound = graph.input(f"file:{result.path}", **result.arguments())[str(result.sound.index)]
        return self._heard(sound.filter("loudnorm", **loudness.measuring(self._target_lufs))).lufs

    def pipeline(self, measured: loudness.Measured | None, used: Engines | None) -> PipelineReport:
        """Tell how it was made."""
        codec, filters, reasons = self.video.video.codec, [], []
        if used is None:
            reasons.append(f"{codec} is copied: nothing asks for other frames")
        else:
            reasons += [f"{codec} is not for an MP4", *used.reasons, *conform.reasons(self.video)]
            filters += [*used.decoder.filters(), *conform.names(self.video)]
        if not self.mix.fits:
            filters += [*self.mix.mixed()[1], *(["loudnorm"] if measured else []), "aresample"]
        if measured is not None and measured.silent:
            reasons.append("silence has no loudness to correct")
        return PipelineReport(
            decoder=used.decoder.name if used else decoder.NONE,
            filters=filters,
            video=used.encoder.name if used else "copy",
            audio="copy" if self.mix.fits else aac.CODEC,
            reasons=[*reasons, *self.mix.reasons],
            confinement=confinement.report().reason,
        )

    @property
    def _target_lufs(self) -> float:
        return self.params.loudness_lufs if self.params.loudness_lufs is not None else loudness.QUIETEST_LUFS

    @property
    def _begun(self) -> float:
        """How far the item is when the video is begun."""
        return 0.0 if self.params.loudness_lufs is None else _MEASURE_SHARE

    def _made(self, measured: loudness.Measured | None, used: Engines | None) -> Source:
        target = self.context.output("video")
        media = graph.input(
            f"file:{self.video.path}", **self.video.arguments(), **(used.decoder.arguments() if used else {})
        )
        sound, how = self._sound(media, measured)
        pictures, options = self._pictures(media, used)
        joined = graph.output(
            pictures, sound, f"file:{target}", t=self.mix.when.whole_s, **mp4.WRITTEN, **how, **options
        )
        self._convert(
            joined.global_args(*_QUIET, "-loglevel", "error").overwrite_output(),
            lambda done_s: self._progress("encode", self._begun, _VERIFY, done_s),
            used,
        )
        self.context.progress("verify", _VERIFY)
        return made.verified(target, self._ordered(used))

    def _sound(self, media: Any, measured: loudness.Measured | None) -> tuple[Any, Mapping[str, str | int]]:
        """Return the stream of sound, and what is said of it."""
        if self.mix.fits:
            return self.mix.copied(), {"c:a": "copy"}
        sound, _ = self.mix.mixed(media)
        if measured is not None and not measured.silent:
            sound = sound.filter("loudnorm", **loudness.correcting(self._target_lufs, measured))
        return sound.filter("aresample", sample_rate=SAMPLE_RATE), aac.encoded(self.mix.channels)

    def _pictures(self, media: Any, used: Engines | None) -> tuple[Any, Mapping[str, str | int]]:
        """Return the stream of frames, the last one shown to the end of the sound, and what is said of it."""
        track, more_s = self.video.video, self._more_s
        pictures = media[str(track.index)]
        if used is None:
            return pictures, {**mp4.copied(track.codec), **mp4.lasting(track, more_s)}
        pictures = conform.applied(used.decoder.frames(pictures), self.video)
        if more_s > 0:
            pictures = pictures.filter("tpad", stop_mode="clone", stop_duration=more_s)
        options = encoder.arguments(used.encoder.name, Quality.BALANCED, self.context.threads)
        return pictures, {**options, "pix_fmt": "yuv420p", "fps_mode": "vfr"}

    @property
    def _more_s(self) -> float:
        """How much longer than the pictures the result is."""
        return self.mix.when.whole_s - self.mix.begun_s - self.video.video.duration_s

    def _ordered(self, used: Engines | None) -> made.Ordered:
        track, whole_s = self.video.video, self.mix.when.whole_s
        whole = used is None and self._more_s >= 0
        late_s = track.delay_s if used is None else 0.0  # frames are cut as they come, not as they are shown
        return made.Ordered(
            size=(track.width, track.height) if used is None else conform.size(self.video),
            frames=(track.frames, track.frames) if whole else (1, 1 << 31),
            length_s=whole_s - self.mix.begun_s,
            sounds=1,
            sound_s=whole_s,
            tolerance_s=made.TOLERANCE_S + 2 / max(track.fps, 1.0) + late_s,
            codec=track.codec if used is None else None,
        )

    def _heard(self, sound: Any, on_time: OnTime = lambda _: None) -> loudness.Measured:
        listener = loudness.Listener()
        silent = graph.output(sound, "pipe:1", format="null").global_args(*_QUIET, "-loglevel", "info")
        self._convert(silent, on_time, None, listener.hear)
        return listener.measured()

    def _convert(
        self, node: Any, on_time: OnTime, used: Engines | None, on_said: Callable[[str], None] = lambda _: None
    ) -> None:
        folder = self.context.output("video").parent
        convert(
            node.compile(cmd=binary.find(filters=conform.needed(self.video) if used else ()).path),
            reach=Reach(
                reads=(self.video.path, self.mix.audio.path), writes=(folder,), cuda=used is not None and used.use_cuda
            ),
            limits=RunLimits(OPERATION.limits.timeout_s, MAX_FILE_BYTES),
            cancel=self.context.cancel,
            on_time=on_time,
            on_said=on_said,
        )

    def _progress(self, stage: str, begun: float, ended: float, done_s: float) -> None:
        share = min(1.0, done_s / self.mix.when.whole_s)
        self.context.progress(stage, begun + (ended - begun) * share)

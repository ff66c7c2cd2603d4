"""add_audio: mix the sound, copy the frames where that can be, verify what came out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ffmpeg as graph

from shared.errors import EncodeFailed, MediaLimits, OutputInvalid
from shared.media.facts import VideoFileFacts
from shared.media.pipeline import PipelineReport
from shared.operation import MAX_FILE_BYTES
from shared.operations.add_audio import OPERATION, LoudnessFacts, Mode, Params, Result
from shared.operations.img2vid import EncoderReport, Quality
from worker.context import Context
from worker.media import conform, decoder, encoder, mp4
from worker.media.decoder import Decoder
from worker.media.running import binary, confinement
from worker.media.running.confinement import Reach
from worker.media.running.convert import convert
from worker.media.running.process import RunLimits
from worker.media.sound import aac, loudness
from worker.media.sound.mix import SAMPLE_RATE, Timing, fits, mixed, timing
from worker.media.source import Source, open_media

_MEASURE_SHARE = 0.4
_VERIFY = 0.97
_TOLERANCE_S = 0.1
_QUIET = ("-hide_banner", "-nostdin", "-nostats")


def run(params: Params, context: Context) -> Result:
    """Put the sound to the video, in the slot "video".

    Raises MediaEmpty, MediaFormat, MediaCorrupt, MediaTooLarge, MediaLimits for what was sent, and EncodeFailed,
    OutputInvalid, OutputTooLarge, WorkerDiskFull, WorkCancelled or WorkTimedOut for the work.
    """
    context.progress("probe", 0.0)
    job = _Job.of(params, context)
    measured = None if params.loudness_lufs is None else job.measure()
    context.progress("encode", job.begun)
    try:
        target = job.make(measured)
    except EncodeFailed as failure:
        # A GPU that works may still refuse one video.
        by_cpu = job.without_gpu(failure)
        if by_cpu is None:
            raise
        job = by_cpu
        target = job.make(measured)
    context.progress("verify", _VERIFY)
    made = job.verified(target)
    after = None if params.loudness_lufs is None else job.loudness_of(target)
    context.progress("verify", 1.0)
    facts = LoudnessFacts(before_lufs=measured.lufs, after_lufs=after) if measured else None
    return Result(video=made, pipeline=job.pipeline(measured), loudness=facts)


@dataclass(frozen=True, slots=True)
class _Job:
    """One item: what was sent, and what is to come of it."""

    params: Params
    context: Context
    video: Source
    audio: Source
    when: Timing
    encoder: EncoderReport | None
    """None where frames are copied."""
    decoder: Decoder | None
    """The same."""

    @classmethod
    def of(cls, params: Params, context: Context) -> "_Job":
        video = open_media(context.input(params.video).path)
        audio = open_media(context.input(params.audio).path)
        when = timing(params, video.video.duration_s, audio.sound.duration_s)
        if when.whole_s <= 0:
            raise MediaLimits("Nothing would be left: the sound is over before it begins.")
        if video.video.codec in mp4.VIDEO_CODECS:
            return cls(params, context, video, audio, when, None, None)
        return cls(params, context, video, audio, when, encoder.choose(), decoder.choose(video))

    def without_gpu(self, failure: EncodeFailed) -> "_Job | None":
        """Return the same work for the CPU alone; None where the GPU had no part in it."""
        if self.encoder is None or self.decoder is None:
            return None
        if not encoder.uses_cuda(self.encoder.name) and not self.decoder.uses_cuda:
            return None
        others = encoder.instead_of(self.encoder, failure), decoder.instead_of(self.decoder, failure)
        return replace(self, encoder=others[0], decoder=others[1])

    @property
    def begun(self) -> float:
        """How far the item is when the video is begun."""
        return 0.0 if self.params.loudness_lufs is None else _MEASURE_SHARE

    def measure(self) -> loudness.Measured:
        """Listen to the mixed sound without keeping it."""
        sound, _ = mixed(self.params, self.when, self.video, self.audio)
        sound = sound.filter("loudnorm", **loudness.measuring(self._target_lufs))
        return self._listen(sound, lambda done_s: self._progress("measure", 0.0, _MEASURE_SHARE, done_s))

    def make(self, measured: loudness.Measured | None) -> Path:
        """Write the video; return where."""
        target = self.context.output("video")
        sound, options = self._sound(measured)
        how = {} if self.decoder is None else self.decoder.arguments()
        picture = graph.input(f"file:{self.video.path}", **self.video.arguments(), **how)[str(self.video.video.index)]
        if self.decoder is not None:
            picture = conform.applied(self.decoder.frames(picture), self.video)
        made = graph.output(
            picture,
            sound,
            f"file:{target}",
            t=self.when.whole_s,
            **mp4.WRITTEN,
            **options,
            **self._pictures(),
        )
        self._convert(
            made.global_args(*_QUIET, "-loglevel", "error").overwrite_output(),
            target.parent,
            lambda done_s: self._progress("encode", self.begun, _VERIFY, done_s),
        )
        return target

    def _sound(self, measured: loudness.Measured | None) -> tuple[Any, Mapping[str, str | int]]:
        """Return the stream of sound, and what is said of it: copied where nothing asks for another one."""
        if self._sound_fits:
            track = self.audio.sound
            return graph.input(f"file:{self.audio.path}", **self.audio.arguments())[str(track.index)], {"c:a": "copy"}
        sound, _ = mixed(self.params, self.when, self.video, self.audio)
        if measured is not None and not measured.silent:
            sound = sound.filter("loudnorm", **loudness.correcting(self._target_lufs, measured))
        sound = sound.filter("aresample", sample_rate=SAMPLE_RATE)
        return sound, aac.encoded(self._channels)

    @property
    def _channels(self) -> int:
        own = self.video.audio.channels if self.video.audio and self.params.mode is not Mode.REPLACE else 0
        return max(own, self.audio.sound.channels)

    @property
    def _sound_fits(self) -> bool:
        return fits(self.params, self.when, self.video, self.audio)

    def verified(self, target: Path) -> VideoFileFacts:
        """Return what was made if it is as ordered, else raise OutputInvalid."""
        made = open_media(target)
        wanted, found, sound = self.video.video, made.video, made.sound
        whole_s, frame_s = self.when.whole_s, 1 / max(wanted.fps, 1.0)
        wrong = []
        copied = self.encoder is None
        size = (wanted.width, wanted.height) if copied else conform.size(self.video)
        if (copied and found.codec != wanted.codec) or (found.width, found.height) != size:
            wrong.append(f"{found.codec} {found.width}×{found.height}")
        if whole_s >= wanted.duration_s and self.encoder is None and found.frames != wanted.frames:
            wrong.append(f"{found.frames} frames, not {wanted.frames}")
        for name, length_s in (("pictures", found.duration_s), ("sound", sound.duration_s)):
            if abs(length_s - whole_s) > _TOLERANCE_S + 2 * frame_s:
                wrong.append(f"{name} of {length_s:.3f} s, not {whole_s:.3f} s")
        if wrong or len(made.facts.video) != 1 or len(made.facts.audio) != 1:
            raise OutputInvalid(f"The video that was made is not as ordered: {', '.join(wrong) or 'other streams'}.")
        return made.as_made()

    def loudness_of(self, target: Path) -> float | None:
        """Return how loud the result is."""
        made = open_media(target)
        sound = graph.input(f"file:{target}", **made.arguments())[str(made.sound.index)]
        return self._listen(sound.filter("loudnorm", **loudness.measuring(self._target_lufs))).lufs

    def pipeline(self, measured: loudness.Measured | None) -> PipelineReport:
        """Tell how it was made."""
        filters = [*self.decoder.filters(), *conform.names(self.video)] if self.decoder else []
        codec = self.video.video.codec
        reasons = [f"{codec} is copied: nothing asks for other frames"]
        if self.encoder is not None:
            reasons = [f"{codec} is not for an MP4", self.encoder.reason]
        if self.decoder is not None:
            reasons += [self.decoder.reason, *conform.reasons(self.video)]
        if self._sound_fits:
            reasons.append(f"{self.audio.sound.codec} is copied: nothing asks for another sound")
        else:
            filters += [*mixed(self.params, self.when, self.video, self.audio)[1], *(["loudnorm"] if measured else [])]
            filters.append("aresample")
        if self.params.mode is not Mode.REPLACE and self.video.audio is None:
            reasons.append("the video has no sound of its own")
        if measured is not None and measured.silent:
            reasons.append("silence has no loudness to correct")
        return PipelineReport(
            decoder="none" if self.decoder is None else self.decoder.name,
            filters=filters,
            video="copy" if self.encoder is None else self.encoder.name,
            audio="copy" if self._sound_fits else aac.CODEC,
            reasons=reasons,
            confinement=confinement.report().reason,
        )

    @property
    def _target_lufs(self) -> float:
        return self.params.loudness_lufs if self.params.loudness_lufs is not None else loudness.QUIETEST_LUFS

    def _pictures(self) -> Mapping[str, str | int]:
        """Return what is said of the pictures: copied, with the last one shown to the end of the sound."""
        track = self.video.video
        if self.encoder is not None:
            by_encoder = encoder.arguments(self.encoder.name, Quality.BALANCED, self.context.threads)
            return {**by_encoder, "pix_fmt": "yuv420p", "fps_mode": "vfr"}
        options = mp4.copied(track.codec)
        if self.when.whole_s > track.duration_s:
            more_s = self.when.whole_s - track.duration_s
            last = f"if(eq(N,{track.frames - 1}),DURATION+{more_s:.6f}/TB,DURATION)"
            options["bsf:v"] = f"setts=duration={last.replace(',', chr(92) + ',')}"
        return options

    def _listen(self, sound: Any, on_time: Any = lambda _: None) -> loudness.Measured:
        listener = loudness.Listener()
        silent = graph.output(sound, "pipe:1", format="null").global_args(*_QUIET, "-loglevel", "info")
        self._convert(silent, self.context.output("video").parent, on_time, listener.hear)
        return listener.measured()

    def _convert(self, node: Any, folder: Path, on_time: Any, on_said: Any = lambda _: None) -> None:
        cuda = self.encoder is not None and encoder.uses_cuda(self.encoder.name)
        cuda = cuda or (self.decoder is not None and self.decoder.uses_cuda)
        convert(
            node.compile(cmd=binary.find(filters=() if self.encoder is None else conform.needed(self.video)).path),
            reach=Reach(reads=(self.video.path, self.audio.path), writes=(folder,), cuda=cuda),
            limits=RunLimits(OPERATION.limits.timeout_s, MAX_FILE_BYTES),
            cancel=self.context.cancel,
            on_time=on_time,
            on_said=on_said,
        )

    def _progress(self, stage: str, begun: float, ended: float, done_s: float) -> None:
        share = min(1.0, done_s / self.when.whole_s)
        self.context.progress(stage, begun + (ended - begun) * share)

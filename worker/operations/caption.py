"""caption: read and lay out the subtitles, draw them into the frames or add them as tracks, verify what came out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from shared.captions.syntax import MAX_BYTES
from shared.errors import EncodeFailed, OutputInvalid, SubtitleLimits
from shared.media.facts import VideoFileFacts
from shared.media.pipeline import PipelineReport
from shared.operation import MAX_FILE_BYTES
from shared.operations.caption import (
    MAX_PREVIEW_BYTES,
    OPERATION,
    Mode,
    Params,
    PreviewFacts,
    Result,
    SubtitleReport,
    Track,
)
from shared.operations.img2vid import EncoderReport
from shared.wire.media_input import MediaInput
from worker.context import Context
from worker.media import conform, decoder, encoder, mp4
from worker.media.captions import command
from worker.media.captions.compose import Composed, compose
from worker.media.captions.drawing import font_cache
from worker.media.captions.drawing.faces import FOLDER
from worker.media.captions.reading import read
from worker.media.captions.reading.cue import Subtitles
from worker.media.captions.transcript import transcript
from worker.media.decoder import Decoder
from worker.media.running import binary, confinement
from worker.media.running.confinement import Reach
from worker.media.running.convert import convert
from worker.media.running.process import RunLimits
from worker.media.source import Source, open_media

_LAID_OUT = 0.03
_VERIFY = 0.97
_TOLERANCE_S = 0.1
_LOST_SHARE = 0.02
"""Of frames that the file has and that can't be decoded: players pass over them as well."""
_PREVIEW_TIMEOUT_S = 60.0


def run(params: Params, context: Context) -> Result:
    """Make the captioned video in the slot "video", or a picture of it in "preview".

    Raises MediaEmpty, MediaFormat, MediaCorrupt, MediaTooLarge, MediaLimits for the video, SubtitleSyntax and
    SubtitleLimits for the text, and EncodeFailed, OutputInvalid, OutputTooLarge, WorkerDiskFull, WorkCancelled or
    WorkTimedOut for the work.
    """
    context.progress("probe", 0.0)
    job = _Job(params, context, open_media(context.input(params.video).path))
    if params.mode is Mode.SOFT:
        return job.added()
    return job.burnt() if params.preview_at_s is None else job.shown(params.preview_at_s)


@dataclass(frozen=True, slots=True)
class _Job:
    """One item: what is asked for, and the video that was sent."""

    params: Params
    context: Context
    source: Source

    def burnt(self) -> Result:
        """Draw the text into all frames."""
        subtitles = self._read(self.params.subtitles or "")
        composed, captions = self._composed(subtitles)
        chosen, decoding = encoder.choose(), decoder.choose(self.source)
        try:
            made = self._burnt_by(chosen, decoding, captions)
        except (EncodeFailed, OutputInvalid) as failure:
            if not encoder.uses_cuda(chosen.name) and not decoding.uses_cuda:
                raise
            # A GPU that works may still refuse one video: too small a frame, or more at once than it allows.
            chosen, decoding = encoder.instead_of(chosen, failure), decoder.instead_of(decoding, failure)
            made = self._burnt_by(chosen, decoding, captions)
        filters = [*decoding.filters(), *command.filters(self.source)]
        reasons = [chosen.reason, decoding.reason, *conform.reasons(self.source)]
        pipeline = self._pipeline(decoding.name, filters, chosen.name, reasons)
        return Result(video=made, subtitles=[_report(subtitles, composed, None)], pipeline=pipeline)

    def shown(self, at_s: float) -> Result:
        """Make one picture, as the video would be at that time."""
        subtitles = self._read(self.params.subtitles or "")
        composed, captions = self._composed(subtitles)
        track, target = self.source.video, self.context.output("preview")
        at_s = max(0.0, min(at_s, track.duration_s - 1.5 / max(track.fps, 1.0)))
        try:
            width, height = self._picture(captions, target, at_s)
        except (EncodeFailed, OutputInvalid):  # no frame comes after that time: the last one is shown for long
            width, height = self._picture(captions, target, at_s, key_frame=True)
        self.context.progress("verify", 1.0)
        return Result(
            preview=PreviewFacts(width=width, height=height, at_s=round(at_s, 3)),
            subtitles=[_report(subtitles, composed, None)],
            pipeline=self._pipeline(
                "cpu", command.filters(self.source), "mjpeg", ["one frame was asked for", *conform.reasons(self.source)]
            ),
        )

    def _picture(self, captions: Path, target: Path, at_s: float, *, key_frame: bool = False) -> tuple[int, int]:
        program = binary.find(filters=command.needed(self.source)).path
        argv = command.showing(program, self.source, captions, target, at_s, key_frame=key_frame)
        self._convert(argv, [captions], RunLimits(_PREVIEW_TIMEOUT_S, MAX_PREVIEW_BYTES))
        size = _size_of(target)
        if size != conform.size(self.source):
            raise OutputInvalid(f"The picture that was made has {size[0]}×{size[1]} pixels.")
        return size

    def added(self) -> Result:
        """Add the text as tracks; frames are copied where an MP4 can hold them."""
        reports, tracks = [], []
        for n, asked in enumerate(self.params.all_tracks):
            report, track = self._track(asked, n)
            reports.append(report)
            tracks.append(track)
        codec = self.source.video.codec
        if codec in mp4.VIDEO_CODECS:
            made = self._added(tracks, mp4.copied(codec), encoded=False)
            pipeline = self._pipeline("none", [], "copy", [f"{codec} is copied: nothing asks for other frames"])
        else:
            chosen = EncoderReport(name=encoder.X264, reason=f"{codec} is not for an MP4")
            options = encoder.arguments(chosen.name, self.params.quality, self.context.threads)
            made = self._added(tracks, {**options, "pix_fmt": "yuv420p"}, encoded=True)
            reasons = [chosen.reason, *conform.reasons(self.source)]
            pipeline = self._pipeline("cpu", conform.names(self.source), chosen.name, reasons)
        return Result(video=made, subtitles=reports, pipeline=pipeline)

    def _read(self, written: str) -> Subtitles:
        if not isinstance(written, MediaInput):
            return read.from_text(written)
        file = self.context.input(written)
        if file.size_bytes > MAX_BYTES:
            raise SubtitleLimits(f"Subtitles have at most {MAX_BYTES >> 20} MiB.")
        return read.from_bytes(file.path.read_bytes())

    def _composed(self, subtitles: Subtitles) -> tuple[Composed, Path]:
        width, height = conform.size(self.source)
        composed = compose(subtitles, self.params, width, height, round(self.source.video.duration_s * 1000))
        captions = self.context.scratch("captions.ass")
        captions.write_text(composed.text, encoding="utf-8")
        self.context.progress("encode", _LAID_OUT)
        return composed, captions

    def _burnt_by(self, chosen: EncoderReport, decoding: Decoder, captions: Path) -> VideoFileFacts:
        target = self.context.output("video")
        options = encoder.arguments(chosen.name, self.params.quality, self.context.threads)
        program = binary.find(filters=command.needed(self.source)).path
        argv = command.burning(program, self.source, captions, target, options, decoding)
        cuda = encoder.uses_cuda(chosen.name) or decoding.uses_cuda
        self._convert(argv, [captions], self._limits(), cuda=cuda)
        return self._verified(target, conform.size(self.source))

    def _track(self, asked: Track, n: int) -> tuple[SubtitleReport, command.TextTrack]:
        subtitles = self._read(asked.subtitles)
        written = transcript(subtitles, self.params, round(self.source.video.duration_s * 1000))
        path = self.context.scratch(f"track-{n}.srt")
        path.write_text(written.text, encoding="utf-8")
        track = command.TextTrack(path, asked.language, asked.title, asked.default, asked.forced)
        return _report(subtitles, written, asked.language), track

    def _added(self, tracks: Sequence[command.TextTrack], options: command.Options, *, encoded: bool) -> VideoFileFacts:
        target, video = self.context.output("video"), self.source.video
        program = binary.find(filters=conform.needed(self.source) if encoded else ()).path
        argv = command.adding(program, self.source, tracks, target, options, encoded=encoded)
        self._convert(argv, [track.path for track in tracks], self._limits())
        size = conform.size(self.source) if encoded else (video.width, video.height)
        return self._verified(target, size, len(tracks))

    def _limits(self) -> RunLimits:
        return RunLimits(OPERATION.limits.timeout_s, MAX_FILE_BYTES)

    def _convert(self, argv: list[str], texts: Sequence[Path], limits: RunLimits, *, cuda: bool = False) -> None:
        folder = self.context.output("preview" if self.params.preview_at_s is not None else "video").parent
        whole_s = max(self.source.video.duration_s, 0.001)
        convert(
            argv,
            reach=Reach(reads=(self.source.path, FOLDER, font_cache.folder(), *texts), writes=(folder,), cuda=cuda),
            limits=limits,
            cancel=self.context.cancel,
            on_time=lambda done_s: self.context.progress(
                "encode", _LAID_OUT + (_VERIFY - _LAID_OUT) * min(1.0, done_s / whole_s)
            ),
            environment=font_cache.environment(),
        )
        self.context.progress("verify", _VERIFY)

    def _verified(self, target: Path, size: tuple[int, int], texts: int = 0) -> VideoFileFacts:
        """Return what was made if it is as ordered, else raise OutputInvalid."""
        made = open_media(target)
        wanted, found = self.source.video, made.video
        wrong = []
        if (found.width, found.height) != size:
            wrong.append(f"{found.width}×{found.height} pixels")
        if not wanted.frames * (1 - _LOST_SHARE) - 1 <= found.frames <= wanted.frames:
            wrong.append(f"{found.frames} frames, not {wanted.frames}")
        if abs(found.duration_s - wanted.duration_s) > _TOLERANCE_S + 2 / max(wanted.fps, 1.0):
            wrong.append(f"{found.duration_s:.3f} s long, not {wanted.duration_s:.3f} s")
        counts = (len(made.facts.audio), len(made.facts.subtitles))
        if counts != (len(self.source.facts.audio), texts):
            wrong.append(f"{counts[0]} sounds and {counts[1]} texts")
        if wrong:
            raise OutputInvalid(f"The video that was made is not as ordered: {', '.join(wrong)}.")
        self.context.progress("verify", 1.0)
        return made.as_made()

    def _pipeline(self, decoder: str, filters: list[str], video: str, reasons: list[str]) -> PipelineReport:
        audio = "none" if self.params.preview_at_s is not None else command.audio_codec(self.source)
        if audio == "aac" and self.source.audio is not None:
            reasons = [*reasons, f"{self.source.audio.codec} is not for an MP4"]
        return PipelineReport(
            decoder=decoder,
            filters=filters,
            video=video,
            audio=audio,
            reasons=reasons,
            confinement=confinement.report().reason,
        )


def _size_of(picture: Path) -> tuple[int, int]:
    try:
        with Image.open(picture, formats=["JPEG"]) as opened:
            opened.load()
            return opened.size
    except OSError as failure:
        raise OutputInvalid(f"The picture that was made can't be read back: {type(failure).__name__}.") from failure


def _report(subtitles: Subtitles, composed: Composed, language: str | None) -> SubtitleReport:
    return SubtitleReport(
        format=subtitles.written,
        encoding=subtitles.encoding,
        language=language,
        cues=composed.cues,
        words=composed.words,
        missing_glyphs=composed.missing_glyphs,
        changes=dict(composed.changes),
    )

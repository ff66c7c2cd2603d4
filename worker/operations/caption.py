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
from shared.wire.media_input import MediaInput
from worker.context import Context
from worker.media import conform, decoder, encoder, engines, made, mp4
from worker.media.captions import command
from worker.media.captions.compose import Composed, compose
from worker.media.captions.drawing import font_cache
from worker.media.captions.drawing.faces import FOLDER
from worker.media.captions.reading import read
from worker.media.captions.reading.cue import Subtitles
from worker.media.captions.transcript import transcript
from worker.media.engines import Engines
from worker.media.running import binary, confinement
from worker.media.running.confinement import Reach
from worker.media.running.convert import convert
from worker.media.running.process import RunLimits
from worker.media.source import Source, open_media

_LAID_OUT = 0.03
_VERIFY = 0.97
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
    job = _Job(params, context, open_media(context.input(params.video).path, context.cancel))
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
        result, used = engines.run(Engines.chosen(source=self.source), lambda used: self._burnt_by(used, captions))
        filters = [*used.decoder.filters(), *command.filters(self.source)]
        reasons = [*used.reasons, *conform.reasons(self.source)]
        pipeline = self._pipeline(used.decoder.name, filters, used.encoder.name, reasons)
        return Result(video=result, subtitles=[_report(subtitles, composed, None)], pipeline=pipeline)

    def shown(self, at_s: float) -> Result:
        """Make one picture, as the video would be at that time."""
        subtitles = self._read(self.params.subtitles or "")
        composed, captions = self._composed(subtitles)
        track, target = self.source.video, self.context.output("preview")
        sounds = self.source.facts.audio
        at_s = min(at_s, self.source.ended_s(*sounds) - 1.5 / max(track.fps, 1.0))
        at_s = max(self.source.begun_s(*sounds), at_s)
        try:
            width, height = self._picture(captions, target, at_s)
        except (EncodeFailed, OutputInvalid):  # no frame was found from there
            width, height = self._picture(captions, target, at_s, from_start=True)
        self.context.progress("verify", 1.0)
        return Result(
            preview=PreviewFacts(width=width, height=height, at_s=round(at_s, 3)),
            subtitles=[_report(subtitles, composed, None)],
            pipeline=self._pipeline(
                "cpu", command.filters(self.source), "mjpeg", ["one frame was asked for", *conform.reasons(self.source)]
            ),
        )

    def _picture(self, captions: Path, target: Path, at_s: float, *, from_start: bool = False) -> tuple[int, int]:
        program = binary.find(filters=command.needed(self.source)).path
        argv = command.showing(program, self.source, captions, target, at_s, from_start=from_start)
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
        codec, filters, reasons = self.source.video.codec, [], []
        if codec in mp4.VIDEO_CODECS:
            result, names = self._added(tracks, None), (decoder.NONE, "copy")
            reasons.append(f"{codec} is copied: nothing asks for other frames")
        else:
            chosen = Engines.chosen(source=self.source)
            result, used = engines.run(chosen, lambda used: self._added(tracks, used))
            names = (used.decoder.name, used.encoder.name)
            filters += [*used.decoder.filters(), *conform.names(self.source)]
            reasons += [f"{codec} is not for an MP4", *used.reasons, *conform.reasons(self.source)]
        return Result(video=result, subtitles=reports, pipeline=self._pipeline(names[0], filters, names[1], reasons))

    def _read(self, written: str) -> Subtitles:
        if not isinstance(written, MediaInput):
            return read.from_text(written)
        file = self.context.input(written)
        if file.size_bytes > MAX_BYTES:
            raise SubtitleLimits(f"Subtitles have at most {MAX_BYTES >> 20} MiB.")
        return read.from_bytes(file.path.read_bytes())

    def _composed(self, subtitles: Subtitles) -> tuple[Composed, Path]:
        width, height = conform.size(self.source)
        composed = compose(subtitles, self.params, width, height, self._end_ms)
        captions = self.context.scratch("captions.ass")
        captions.write_text(composed.text, encoding="utf-8")
        self.context.progress("encode", _LAID_OUT)
        return composed, captions

    @property
    def _end_ms(self) -> int:
        return round(self.source.ended_s(*self.source.facts.audio) * 1000)

    def _burnt_by(self, used: Engines, captions: Path) -> VideoFileFacts:
        target = self.context.output("video")
        options = encoder.arguments(used.encoder.name, self.params.quality, self.context.threads)
        program = binary.find(filters=command.needed(self.source)).path
        argv = command.burning(program, self.source, captions, target, options, used.decoder)
        self._convert(argv, [captions], self._limits(), cuda=used.use_cuda)
        return self._verified(target, conform.size(self.source))

    def _track(self, asked: Track, n: int) -> tuple[SubtitleReport, command.TextTrack]:
        subtitles = self._read(asked.subtitles)
        written = transcript(subtitles, self.params, self._end_ms)
        path = self.context.scratch(f"track-{n}.srt")
        path.write_text(written.text, encoding="utf-8")
        track = command.TextTrack(path, asked.language, asked.title, asked.default, asked.forced)
        return _report(subtitles, written, asked.language), track

    def _added(self, tracks: Sequence[command.TextTrack], used: Engines | None) -> VideoFileFacts:
        target, video = self.context.output("video"), self.source.video
        program = binary.find(filters=conform.needed(self.source) if used else ()).path
        options: command.Options = mp4.copied(video.codec)
        if used is not None:
            by_encoder = encoder.arguments(used.encoder.name, self.params.quality, self.context.threads)
            options = {**by_encoder, "pix_fmt": "yuv420p"}
        argv = command.adding(program, self.source, tracks, target, options, used.decoder if used else None)
        self._convert(argv, [track.path for track in tracks], self._limits(), cuda=used is not None and used.use_cuda)
        size = conform.size(self.source) if used else (video.width, video.height)
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
        sent = self.source.video
        ordered = made.Ordered(
            size=size,
            frames=(int(sent.frames * (1 - _LOST_SHARE)) - 1, sent.frames),
            length_s=sent.duration_s,
            sounds=len(self.source.facts.audio),
            tolerance_s=made.TOLERANCE_S + 2 / max(sent.fps, 1.0),
            texts=texts,
        )
        result = made.verified(target, ordered).as_made()
        self.context.progress("verify", 1.0)
        return result

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

"""A picture of what probe tells of one file: docs/probe/tracks.png; python -m bench.probe.pictures."""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from shared.media.facts import AudioTrack, MediaFacts, SubtitleTrack, VideoTrack
from shared.operations.probe import Params
from tests.worker.media.clips import make
from tests.worker.operations.lone_item import LoneItem
from worker.media.captions.drawing.faces import FOLDER
from worker.operations import probe

WIDTH, ROW, EDGE, LABEL = 960, 46, 16, 150
GROUND, INK, FAINT = (18, 22, 28), (230, 232, 236), (92, 100, 112)
COLOURS = {"video": (90, 178, 255), "audio": (122, 214, 140), "text": (255, 191, 64), "chapter": (178, 140, 240)}
LENGTH_S = 12


@dataclass(frozen=True)
class Bar:
    """A part of the file's time and what is told of it."""

    row: str
    begins_s: float
    ends_s: float
    told: str
    colour: tuple[int, int, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", type=Path, default=Path("docs/probe/tracks.png"))
    target = parser.parse_args().target
    with tempfile.TemporaryDirectory(prefix="revela-bench-") as name:
        folder = Path(name)
        item = LoneItem(_film(folder), folder)
        found = probe.run(Params.model_validate({"media": "https://bench.example/film.mkv"}), item).facts
    target.parent.mkdir(parents=True, exist_ok=True)
    _drawn(found).save(target, optimize=True)


def _film(folder: Path) -> Path:
    """Make a short film of a phone: HDR, two sounds of which one begins late, a subtitle, and chapters."""
    (folder / "a.srt").write_text("1\n00:00:02,000 --> 00:00:05,000\nOlá\n\n2\n00:00:07,000 --> 00:00:11,000\nAté já\n")
    begun = ((0, 4, "Intro"), (4, 9, "Praia"), (9, LENGTH_S, "Fim"))
    chapters = "".join(
        f"[CHAPTER]\nTIMEBASE=1/1\nSTART={start}\nEND={end}\ntitle={title}\n" for start, end, title in begun
    )
    (folder / "chapters").write_text(f";FFMETADATA1\n{chapters}")
    picture = ("-f", "lavfi", "-i", f"testsrc2=s=640x360:r=30:d={LENGTH_S}")
    own = ("-f", "lavfi", "-i", f"sine=f=300:r=48000:d={LENGTH_S}")
    comment = ("-itsoffset", "3", "-f", "lavfi", "-i", "sine=f=500:r=48000:d=7")
    beside = ("-i", str(folder / "a.srt"), "-i", str(folder / "chapters"))
    maps = ("-map", "0:v", "-map", "1:a", "-map", "2:a", "-map", "3:s", "-map_metadata", "4")
    hlg = "setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
    hevc = ("-vf", hlg, "-c:v", "libx265", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p10le")
    languages = (
        "-metadata:s:a:0",
        "language=por",
        "-metadata:s:a:1",
        "language=eng",
        "-metadata:s:s:0",
        "language=por",
    )
    sounds = ("-c:a:0", "aac", "-ac:a:0", "2", "-c:a:1", "libopus", "-c:s", "srt")
    return make(folder / "film.mkv", *maps, *hevc, *sounds, *languages, sources=(*picture, *own, *comment, *beside))


def _drawn(found: MediaFacts) -> Image.Image:
    bars = [
        *(Bar("video", track.start_s, track.start_s + track.duration_s, _seen(track), COLOURS["video"])
          for track in found.video),
        *(Bar(f"audio {n}", track.start_s, track.start_s + track.duration_s, _heard(track), COLOURS["audio"])
          for n, track in enumerate(found.audio, 1)),
        *(Bar("subtitles", 0, found.duration_s, _read(track), COLOURS["text"]) for track in found.subtitles),
        *(Bar("chapters", chapter.start_s, chapter.end_s, chapter.title or "", COLOURS["chapter"])
          for chapter in found.chapters),
    ]  # fmt: skip
    rows = list(dict.fromkeys(bar.row for bar in bars))
    picture = Image.new("RGB", (WIDTH, (len(rows) + 1) * ROW + 2 * EDGE), GROUND)
    draw, font = ImageDraw.Draw(picture), ImageFont.truetype(FOLDER / "Inter-Regular.ttf", 16)
    head = f"{found.container}, {found.duration_s:.1f} s, {found.bit_rate / 1000:.0f} kbit/s"
    draw.text((EDGE, EDGE + ROW // 2), head, INK, font, anchor="lm")
    for bar in bars:
        top = EDGE + (rows.index(bar.row) + 1) * ROW
        draw.text((EDGE, top + ROW // 2), bar.row, INK, font, anchor="lm")
        left, right = _at(bar.begins_s, found), _at(bar.ends_s, found)
        draw.rounded_rectangle((left, top + 6, right - 2, top + ROW - 6), 6, bar.colour)
        draw.text((left + 10, top + ROW // 2), bar.told, GROUND, font, anchor="lm")
    for second in range(int(found.duration_s) + 1):
        draw.line((_at(second, found), EDGE + ROW - 4, _at(second, found), EDGE + ROW), FAINT)
    return picture


def _at(seconds: float, found: MediaFacts) -> float:
    return LABEL + (WIDTH - LABEL - EDGE) * min(1.0, seconds / found.duration_s)


def _seen(track: VideoTrack) -> str:
    return (
        f"{track.codec}, {track.width}×{track.height}, {track.fps:g} fps, {track.bit_depth} bit, {track.hdr or 'SDR'}"
    )


def _heard(track: AudioTrack) -> str:
    return f"{track.codec}, {track.layout}, {track.sample_rate // 1000} kHz, {track.language}"


def _read(track: SubtitleTrack) -> str:
    return f"{track.codec}, {track.language}, {track.events} texts"


if __name__ == "__main__":
    main()

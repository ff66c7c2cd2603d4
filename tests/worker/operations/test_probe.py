"""probe: what it tells of a file."""

from pathlib import Path

import pytest

from shared.errors import MediaFormat
from shared.operations.probe import Params
from tests.worker.media.clips import AAC, H264, make, usual
from tests.worker.operations.lone_item import LoneItem
from worker.operations import probe

pytestmark = pytest.mark.slow
MEDIA = "https://media.example/clip.mp4"


def test_a_clip_is_told_and_the_place_only_if_asked_for(tmp_path: Path) -> None:
    clip = make(tmp_path / "a.mp4", *H264, *AAC, "-metadata", "location=+54.1843-002.7189/")
    plain = probe.run(Params.model_validate({"media": MEDIA}), LoneItem(clip, tmp_path)).facts
    assert (plain.video[0].width, plain.audio[0].codec, plain.location) == (320, "aac", None)
    asked = Params.model_validate({"media": MEDIA, "location": True})
    placed = probe.run(asked, LoneItem(clip, tmp_path)).facts.location
    assert placed is not None
    assert (placed.latitude, placed.longitude) == (54.1843, -2.7189)


def test_chapters_are_told(tmp_path: Path) -> None:
    chapters = tmp_path / "chapters"
    chapters.write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=Praia\n")
    sources = ("-i", str(usual(tmp_path / "plain.mp4")), "-i", str(chapters))
    clip = make(tmp_path / "a.mkv", "-map", "0", "-map_chapters", "1", "-c", "copy", sources=sources)
    [chapter] = probe.run(Params.model_validate({"media": MEDIA}), LoneItem(clip, tmp_path)).facts.chapters
    assert (chapter.start_s, chapter.end_s, chapter.title) == (0, 1.5, "Praia")


def test_what_is_no_media_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.mp4"
    text.write_text("#EXTM3U\nhttp://127.0.0.1/segment.ts\n")
    with pytest.raises(MediaFormat):
        probe.run(Params.model_validate({"media": MEDIA}), LoneItem(text, tmp_path))

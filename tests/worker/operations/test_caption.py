"""caption from files to the finished video, judged by decoding it."""

import hashlib
import resource
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from shared.errors import JobError, MediaEmpty, MediaFormat, SubtitleLimits, SubtitleSyntax, WorkCancelled
from shared.media.encoding import EncoderReport
from shared.operations.caption import Params, Result
from tests.shared.captions.written import ass, srt
from tests.worker.media.clips import AAC, H264, make
from tests.worker.media.decoding import Pixels, frames, times
from tests.worker.operations.lone_item import LoneItem
from worker.media import encoder
from worker.operations import caption

pytestmark = pytest.mark.slow

VIDEO, FILE, OTHER = (f"https://media.example/{name}" for name in ("video", "captions", "other"))
GREY = ("-f", "lavfi", "-i", "color=0x606060:s=320x180:r=10:d=4")
TONE = ("-f", "lavfi", "-i", "sine=f=440:r=48000:d=4")
LARGE = {"size_percent": 12}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four grey seconds, ten frames each, with a tone."""
    return make(tmp_path_factory.mktemp("clip") / "clip.mp4", *H264, *AAC, sources=(*GREY, *TONE))


def run(folder: Path, video: Path, text: str | bytes = srt("Hello"), **fields: Any) -> tuple[Result, Path]:
    """Run the operation with subtitles from a file; return its result and what it made."""
    written = folder / "subtitles"
    written.write_bytes(text if isinstance(text, bytes) else text.encode())
    item = LoneItem(video, folder, threads=2, others={FILE: written, OTHER: written})
    asked: dict[str, Any] = {"video": VIDEO, "subtitles": FILE, "quality": "draft", "font": LARGE} | fields
    result = caption.run(Params.model_validate(asked), item)
    return result, item.output("video" if result.preview is None else "preview")


def packets(path: Path, kind: str) -> list[str]:
    """Return the hash of each packet of a video or audio stream."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [hashlib.sha256(bytes(packet)).hexdigest() for packet in container.demux(stream) if packet.size]


def texts(path: Path) -> list[list[tuple[float, str]]]:
    """Return the texts of each subtitle track and when they begin."""
    found = []
    with av.open(str(path)) as container:
        for stream in container.streams.subtitles:
            container.seek(0)
            sizes = [(packet, bytes(packet)) for packet in container.demux(stream) if packet.size > 2]
            found.append([(float((packet.pts or 0) * packet.time_base), _text(content)) for packet, content in sizes])
    return found


def _text(sample: bytes) -> str:
    return sample[2 : 2 + int.from_bytes(sample[:2], "big")].decode()


def drawn_in(video: Pixels) -> list[bool]:
    """Return for each frame whether there is something white and something black in it."""
    return [bool((frame > 200).any() and (frame < 30).any()) for frame in video]


def test_text_is_burnt_in_at_its_time_and_the_sound_is_copied(tmp_path: Path, clip: Path) -> None:
    result, made = run(tmp_path, clip)
    pictures = frames(made, 320, 180)
    assert drawn_in(pictures) == [False] * 10 + [True] * 20 + [False] * 10
    assert not (pictures[:, :90] > 200).any(), "it stands in the lower half"
    assert packets(made, "audio") == packets(clip, "audio")
    assert result.video is not None
    assert (result.video.frames, result.video.duration_s, result.video.audio_codec) == (40, 4.0, "aac")
    assert (result.pipeline.filters, result.pipeline.audio) == (["ass", "format"], "copy")
    [report] = result.subtitles
    assert (report.format, report.encoding, report.cues, report.words, report.changes) == ("srt", "utf-8", 1, 1, {})


def test_text_in_the_request_is_burnt_as_well_and_what_no_font_has_is_told(tmp_path: Path, clip: Path) -> None:
    result, made = run(tmp_path, clip, subtitles=srt("Hi 漢字"), style="karaoke")
    assert result.subtitles[0].missing_glyphs == ["字", "漢"]
    assert sum(drawn_in(frames(made, 320, 180))) == 20


ODD_TEXT = "Olá <i>mundo</i> {x} &amp; C:\\new < 3 <3 a\nb"
SHOWN = "Olá mundo {x} &amp; C:\\new < 3 <3 a\nb"


def test_soft_tracks_are_added_to_the_same_frames(tmp_path: Path, clip: Path) -> None:
    tracks: list[dict[str, Any]] = [
        {"subtitles": FILE, "language": "pt", "title": "Português, com \"aspas\"; e 'mais'", "default": True},
        {"subtitles": srt("Hello\nworld"), "language": "eng", "forced": True},
        {"subtitles": OTHER, "language": "de"},
    ]
    result, made = run(tmp_path, clip, srt(ODD_TEXT), subtitles=None, mode="soft", tracks=tracks)
    assert packets(made, "video") == packets(clip, "video")
    assert packets(made, "audio") == packets(clip, "audio")
    with av.open(str(made)) as container:
        found = container.streams.subtitles
        assert [stream.language for stream in found] == ["por", "eng", "deu"]
        assert (found[0].metadata.get("title") or found[0].metadata.get("name")) == tracks[0]["title"]
        flags = [
            (bool(s.disposition & s.disposition.default), bool(s.disposition & s.disposition.forced)) for s in found
        ]
    assert flags == [(True, False), (False, True), (False, False)]
    assert [[(at, text.replace("\u2060", "")) for at, text in track] for track in texts(made)] == [
        [(1.0, SHOWN)], [(1.0, "Hello\nworld")], [(1.0, SHOWN)]
    ]  # fmt: skip
    assert (result.pipeline.video, [report.language for report in result.subtitles]) == ("copy", ["por", "eng", "deu"])


def test_a_preview_is_the_frame_that_the_video_would_have(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "whole").mkdir()
    wished = {"style": "highlight", "text": srt("one two three")}
    _, made = run(tmp_path / "whole", clip, **wished)
    started_s = time.monotonic()
    result, picture = run(tmp_path, clip, preview_at_s=2.5, **wished)
    assert time.monotonic() - started_s < 3, "on a busy machine; 0.4 s on an idle one"
    assert result.preview is not None
    assert (result.preview.width, result.preview.height, result.preview.at_s) == (320, 180, 2.5)
    with Image.open(picture) as opened:
        assert opened.format == "JPEG"
        shown = np.asarray(opened.convert("RGB")).astype(int)
    assert np.abs(shown - frames(made, 320, 180)[25].astype(int)).mean() < 3


def test_a_preview_beyond_the_end_shows_the_last_frame(tmp_path: Path, clip: Path) -> None:
    result, _ = run(tmp_path, clip, preview_at_s=60)
    assert result.preview is not None
    assert 3.8 < result.preview.at_s < 4


def test_a_preview_far_from_a_key_frame_is_quick_and_has_its_own_captions(tmp_path: Path) -> None:
    large = "testsrc2=s=1920x1080:r=30:d=8"
    long = make(tmp_path / "long.mp4", *H264, "-g", "300", sources=("-f", "lavfi", "-i", large))
    text = srt("one", "two", "three")
    started_s = time.monotonic()
    result, picture = run(tmp_path, long, text, preview_at_s=6.5)
    assert time.monotonic() - started_s < 3, "decoding two hundred frames takes longer"
    other = picture.read_bytes()
    _, picture = run(tmp_path, long, text, preview_at_s=7.5)
    assert result.preview is not None
    assert picture.read_bytes() != other, "one shows what the other does not"


def test_a_preview_in_a_last_frame_that_stays_long_is_made_of_what_there_is(tmp_path: Path) -> None:
    stays = make(
        tmp_path / "stays.mp4", *H264, "-vf", "setpts='if(eq(N,39),8,N/10)/TB'", "-fps_mode", "passthrough",
        "-enc_time_base", "1:1000", "-bsf:v", "setts=duration='if(eq(N,39),4/TB,DURATION)'", sources=GREY,
    )  # fmt: skip
    result, _ = run(tmp_path, stays, srt("Hello", every_s=12), preview_at_s=11)
    assert result.preview is not None
    assert result.preview.at_s > 8


def test_text_is_upright_in_a_video_that_is_turned(tmp_path: Path, clip: Path) -> None:
    turned = make(tmp_path / "turned.mp4", "-c", "copy", sources=("-display_rotation", "90", "-i", str(clip)))
    result, made = run(tmp_path, turned)
    assert result.video is not None
    assert (result.video.width, result.video.height) == (180, 320)
    white = (frames(made, 180, 320)[20] > 200).all(axis=2)
    ys, xs = np.nonzero(white)
    assert xs.max() - xs.min() > ys.max() - ys.min(), "it is a line"
    assert ys.min() > 160, "it stands below"
    assert result.pipeline.filters == ["transpose", "ass", "format"]


def test_frames_of_different_length_keep_their_times(tmp_path: Path) -> None:
    uneven = make(
        tmp_path / "uneven.mp4", *H264, "-vf", "setpts='(N+0.4*mod(N,3))/10/TB'", "-fps_mode", "passthrough",
        "-enc_time_base", "1:1000", sources=GREY,
    )  # fmt: skip
    result, made = run(tmp_path, uneven)
    assert times(made) == pytest.approx(times(uneven), abs=0.002)
    assert result.video is not None
    assert (result.video.frames, result.video.audio_codec, result.pipeline.audio) == (40, None, "none")


ODD = ("-f", "lavfi", "-i", "color=0x606060:s=321x181:r=10:d=4")
FAST = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt")


@pytest.mark.parametrize(
    ("words", "sources", "size", "audio"),
    [
        ((*FAST, "yuv444p"), ODD, (322, 182), None),
        ((*FAST, "yuv420p10le"), GREY, (320, 180), None),
        ((*FAST, "yuv422p", "-c:a", "pcm_s16le"), (*GREY, *TONE), (320, 180), "aac"),
        (("-c:v", "mpeg4", "-c:a", "libmp3lame"), (*GREY, *TONE), (320, 180), "copy"),
    ],
    ids=["odd 4:4:4", "10 bit", "4:2:2 with PCM", "MPEG-4 with MP3"],
)  # fmt: skip
def test_videos_of_other_kinds_become_what_players_play(
    words: tuple[str, ...], sources: tuple[str, ...], size: tuple[int, int], audio: str | None, tmp_path: Path
) -> None:
    result, made = run(tmp_path, make(tmp_path / "other.mkv", *words, sources=sources))
    with av.open(str(made)) as container:
        assert container.streams.video[0].pix_fmt == "yuv420p"
    assert result.video is not None
    assert (result.video.width, result.video.height, result.video.frames) == (*size, 40)
    assert result.pipeline.audio == (audio or "none")
    assert sum(drawn_in(frames(made, *size))) == 20


def test_every_sound_track_stays(tmp_path: Path) -> None:
    second = ("-f", "lavfi", "-i", "sine=f=880:r=48000:d=4")
    words = ("-map", "0:v", "-map", "1:a", "-map", "2:a", *H264, "-c:a:0", "aac", "-c:a:1", "libvorbis")
    two = make(tmp_path / "two.mkv", *words, sources=(*GREY, *TONE, *second))
    _, made = run(tmp_path, two)
    with av.open(str(made)) as container:
        assert [stream.codec_context.name for stream in container.streams.audio] == ["aac", "aac"]
    assert packets(made, "audio") == packets(two, "audio")


@pytest.mark.parametrize("mode", ["burn", "soft"])
def test_a_video_that_no_mp4_holds_is_encoded(mode: str, tmp_path: Path) -> None:
    webm = make(
        tmp_path / "clip.webm", "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libvorbis", sources=(*GREY, *TONE)
    )
    result, made = run(tmp_path, webm, mode=mode)
    assert result.video is not None
    assert (result.video.codec, result.video.audio_codec, result.video.frames) == ("h264", "aac", 40)
    assert "vorbis is not for an MP4" in result.pipeline.reasons
    assert len(texts(made)) == (mode == "soft")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", MediaEmpty),
        (b"<html>not found</html>", SubtitleSyntax),
        (b"1\n00:99:99,000 --> 00:99:99,500\nx\n", SubtitleSyntax),
        (b"1\n00:00:00,000 --> 00:00:01,000\n" + b"a b " * 1_250_000, SubtitleLimits),
        (b"".join(b"%d\n00:00:00,000 --> 00:00:59,000\nx\n\n" % n for n in range(20_000)), SubtitleLimits),
    ],
    ids=["empty", "a page", "no timing", "5 MB", "20 000 at once"],
)
@pytest.mark.parametrize("mode", ["burn", "soft"])
def test_bad_subtitles_end_the_item_before_ffmpeg_is_started(
    text: bytes, error: type[JobError], mode: str, tmp_path: Path, clip: Path
) -> None:
    with pytest.raises(error) as failed:
        run(tmp_path, clip, text, mode=mode)
    assert (failed.value.stage, failed.value.retryable) == ("decode", False)
    assert not (tmp_path / "video.mp4").exists()


def test_a_video_that_is_none_ends_the_item(tmp_path: Path) -> None:
    page = tmp_path / "page.mp4"
    page.write_text("#EXTM3U\n#EXTINF:1,\nother.ts\n")
    with pytest.raises(MediaFormat):
        run(tmp_path, page)


BOMB = r"{\blur90\bord900\fscx9000\fscy9000\t(0,4000,\blur1\bord1\fscx1)}" * 110 + "Hello"
FONT = "[Fonts]\nfontname: evil.ttf\n" + "!" * 79 + "\n\n[Events]"
DRAWING = r"{\p1}m 0 0 " + "l 9 9 " * 200_000 + r"{\p0}Hello"
PATHS = r"{\fn/etc/passwd\fnDejaVu Sans\1img(/etc/passwd)\fs900}Hello"


def work_s() -> float:
    """Return the processor's seconds of this process and of all that it started and that ended."""
    usages = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@pytest.mark.parametrize(
    "hostile", [ass(BOMB), ass("Hello").replace("[Events]", FONT), ass(DRAWING), ass(PATHS)],
    ids=["7 kB bomb", "fonts", "drawing of 200 000 points", "names of fonts"],
)  # fmt: skip
def test_hostile_scripts_are_drawn_as_their_bare_text(hostile: str, tmp_path: Path, clip: Path) -> None:
    (tmp_path / "clean").mkdir()
    began_s = work_s()
    _, clean = run(tmp_path / "clean", clip, ass("Hello"))
    clean_s = work_s() - began_s
    result, made = run(tmp_path, clip, hostile)
    assert work_s() - began_s - clean_s < 2 * clean_s + 1, "unbridled, the bomb works for minutes"
    assert packets(made, "video") == packets(clean, "video")
    assert result.subtitles[0].changes


MEASURED = """
import resource, sys
from pathlib import Path
from tests.worker.operations.test_caption import run
run(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]).read_text())
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
"""


def test_a_bomb_takes_no_more_memory_than_its_bare_text(tmp_path: Path) -> None:
    large = ("-f", "lavfi", "-i", "color=0x606060:s=1920x1080:r=10:d=4")
    video = make(tmp_path / "large.mp4", *H264, sources=large)
    taken_mib = []
    for name, text in (("clean", "Hello"), ("bomb", BOMB)):
        folder, script = tmp_path / name, tmp_path / f"{name}.ass"
        folder.mkdir()
        script.write_text(ass(text))
        argv = [sys.executable, "-c", MEASURED, str(folder), str(video), str(script)]
        taken_mib.append(int(subprocess.run(argv, capture_output=True, check=True).stdout))
    assert len(ass(BOMB)) > 7_000
    assert taken_mib[1] < min(300, 1.1 * taken_mib[0] + 10)


NASTY = "x',drawtext=textfile=canary.txt:fontsize=90 %{metadata:title} [0:v]; {\\p1}m 0 0 l 99 99"


def test_no_other_file_gets_into_the_picture(tmp_path: Path, clip: Path) -> None:
    made = []
    for content in ("CANARY", "quite another thing"):
        folder = tmp_path / content[:6]
        folder.mkdir()
        (folder / "canary.txt").write_text(content)
        _, video = run(folder, clip, srt(NASTY), replace=[{"find": "nothing", "put": NASTY[:90]}])
        made.append(video.read_bytes())
    assert made[0] == made[1]
    assert b"CANARY" not in made[0]


def test_a_cancel_in_the_middle_is_honoured_soon(tmp_path: Path) -> None:
    large = make(tmp_path / "large.mp4", *H264, sources=("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25:d=20"))
    written = tmp_path / "subtitles"
    written.write_text(srt("Hello"))
    item = LoneItem(large, tmp_path, others={FILE: written})
    canceller = threading.Timer(0.8, item.cancel.set)
    canceller.start()
    started_s = time.monotonic()
    with pytest.raises(WorkCancelled):
        caption.run(Params.model_validate({"video": VIDEO, "subtitles": FILE, "quality": "high"}), item)
    assert time.monotonic() - started_s < 4
    canceller.join()


def test_progress_rises_through_the_stages_to_one(tmp_path: Path, clip: Path) -> None:
    item = LoneItem(clip, tmp_path)
    caption.run(Params.model_validate({"video": VIDEO, "subtitles": srt("Hello")}), item)
    fractions = [fraction for _, fraction in item.reports]
    assert fractions == sorted(fractions)
    assert (item.reports[0], item.reports[-1]) == (("probe", 0.0), ("verify", 1.0))


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there is a GPU here")
def test_a_video_that_the_gpu_refuses_is_made_by_x264(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    believed = EncoderReport(name="h264_nvenc", reason="h264_nvenc encoded a frame on this machine")
    monkeypatch.setattr(encoder, "choose", lambda _: believed)
    result, made = run(tmp_path, clip)
    assert result.pipeline.video == "libx264"
    assert result.pipeline.reasons[0].startswith("h264_nvenc failed on this video: ")
    assert sum(drawn_in(frames(made, 320, 180))) == 20

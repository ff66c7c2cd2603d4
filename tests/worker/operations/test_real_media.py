"""Media as cameras, cutters and broadcasters leave it: what every operation makes of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from shared.errors import MediaCorrupt, MediaFormat, MediaLimits, WorkCancelled
from shared.operations.add_audio import Params as SoundParams
from shared.operations.add_audio import Result as SoundResult
from shared.operations.caption import Params as CaptionParams
from tests.shared.captions.written import srt
from tests.worker.media.clips import AAC, H264, PICTURE, SOUND, make, usual
from tests.worker.media.decoding import Pixels, frames, times
from tests.worker.media.sound.hearing import heard, level
from tests.worker.operations.lone_item import LoneItem
from worker.context import CancelFlag
from worker.media.inspection import doors, facts
from worker.media.source import open_media
from worker.operations import add_audio, caption

pytestmark = pytest.mark.slow

VIDEO, NEW_SOUND = "https://media.example/video", "https://media.example/audio"
OWN_HZ, NEW_HZ = 440, 1000
TEXT = srt("Hello")
LONG_PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=4")
LONG_SOUND = ("-f", "lavfi", "-i", f"sine=f={OWN_HZ}:r=48000:d=4")


@pytest.fixture(scope="module")
def beep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of 1000 Hz."""
    source = ("-f", "lavfi", "-i", f"sine=f={NEW_HZ}:r=48000:d=6,volume=2")
    return make(tmp_path_factory.mktemp("beep") / "beep.wav", sources=source)


def late(seconds: float, name: str) -> Callable[[Path], Path]:
    """Return what makes a video whose pictures begin after its sound."""
    sources = (*LONG_SOUND, "-itsoffset", str(seconds), *LONG_PICTURE)
    return lambda folder: make(folder / name, "-map", "1:v", "-map", "0:a", *H264, *AAC, sources=sources)


def trimmed(folder: Path) -> Path:
    """Cut without encoding: an edit list hides what comes before the cut."""
    whole = make(folder / "whole.mp4", *H264, *AAC, "-g", "50", sources=(*LONG_PICTURE, *LONG_SOUND))
    return make(folder / "trimmed.mp4", "-c", "copy", sources=("-ss", "1", "-i", str(whole)))


def amid(folder: Path) -> Path:
    """A broadcast that somebody tuned in to between two key frames."""
    whole = make(folder / "whole.ts", *H264, "-g", "25", *AAC, sources=(*LONG_PICTURE, *LONG_SOUND))
    content = whole.read_bytes()
    (folder / "amid.ts").write_bytes(content[len(content) // 8 // 188 * 188 :])
    return folder / "amid.ts"


def joined(folder: Path) -> Path:
    """Two recordings, one behind the other in one file: the clock begins anew in the middle."""
    part = make(folder / "part.ts", *H264, *AAC)
    (folder / "joined.ts").write_bytes(part.read_bytes() * 2)
    return folder / "joined.ts"


def texted(folder: Path) -> Path:
    """With a subtitle that stays longer than the pictures."""
    (folder / "long.srt").write_text("1\n00:00:01,000 --> 00:00:12,000\nlong\n")
    sources = (*LONG_PICTURE, *LONG_SOUND, "-i", str(folder / "long.srt"))
    return make(folder / "texted.mkv", *H264, *AAC, "-c:s", "srt", sources=sources)


def unknown(folder: Path) -> Path:
    """With a second sound of a codec that FFmpeg has not heard of."""
    words = ("-map", "0:v", "-map", "1:a", "-map", "1:a", *H264, *AAC)
    content = make(folder / "two.mp4", *words, sources=(*LONG_PICTURE, *LONG_SOUND)).read_bytes()
    head, _, tail = content.rpartition(b"mp4a")
    (folder / "unknown.mp4").write_bytes(head + b"apac" + tail.replace(b"esds", b"dapa", 1))
    return folder / "unknown.mp4"


KINDS: dict[str, tuple[Callable[[Path], Path], float, int]] = {
    "pictures 20 ms late": (late(0.02, "a.mp4"), 0.02, 100),
    "pictures 60 ms late": (late(0.06, "a.mkv"), 0.06, 100),
    "pictures half a second late": (late(0.5, "a.mp4"), 0.5, 100),
    "pictures half a second late in a stream": (late(0.5, "a.ts"), 0.5, 100),
    "cut without encoding": (trimmed, 0.0, 75),
    "begins amid": (amid, 0.70, 75),
    "joined": (joined, 0.0, 100),
    "clock from ten": (
        lambda folder: make(folder / "a.mkv", *H264, *AAC, "-output_ts_offset", "10",
                            sources=(*LONG_PICTURE, *LONG_SOUND)), 0.0, 100),
    "long text": (texted, 0.0, 100),
    "unknown codec": (unknown, 0.0, 100),
    "slow motion": (
        lambda folder: make(folder / "a.mp4", *H264, "-an",
                            sources=("-f", "lavfi", "-i", "testsrc2=s=320x180:r=240.3:d=0.5")), 0.0, 121),
}  # fmt: skip
"""What makes each, when its pictures begin, and how many there are."""


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float, int]:
    build, begins_s, count = KINDS[request.param]
    return build(tmp_path_factory.mktemp("kind")), begins_s, count


def captioned(folder: Path, video: Path, **fields: Any) -> Path:
    item = LoneItem(video, folder, threads=2)
    asked = {"video": VIDEO, "subtitles": TEXT, "quality": "draft", "font": {"size_percent": 12}} | fields
    result = caption.run(CaptionParams.model_validate(asked), item)
    return item.output("video" if result.preview is None else "preview")


def sounded(folder: Path, video: Path, sound: Path, **fields: Any) -> tuple[SoundResult, Path]:
    item = LoneItem(video, folder, others={NEW_SOUND: sound})
    asked = SoundParams.model_validate({"video": VIDEO, "audio": NEW_SOUND, **fields})
    return add_audio.run(asked, item), item.output("video")


def shown(path: Path) -> Pixels:
    video = open_media(path).video
    return frames(path, video.width, video.height)


def changed(one: Pixels, other: Pixels) -> list[bool]:
    """Return for each frame whether text was drawn into it."""
    pairs = zip(one.astype(int), other.astype(int), strict=False)
    return [bool((abs(drawn - bare) > 90).sum() > 200) for drawn, bare in pairs]


def test_captions_are_burnt_at_the_files_own_time(kind: tuple[Path, float, int], tmp_path: Path) -> None:
    video, begins_s, count = kind
    made = captioned(tmp_path, video)
    assert abs(len(times(made)) - count) <= 2
    with_text = [
        at for at, is_so in zip(times(made), changed(shown(made), shown(video)[-count:]), strict=False) if is_so
    ]
    # The text is there from 1 to 3 s of what a player shows, whatever the file's own clock says.
    ends_s = min(3.0, begins_s + count / open_media(made).video.fps)
    if ends_s > 1:
        assert min(with_text) == pytest.approx(1.0, abs=0.06)
        assert max(with_text) == pytest.approx(ends_s - 0.04, abs=0.09)


def test_tracks_and_sounds_are_added_to_the_very_frames(
    kind: tuple[Path, float, int], beep: Path, tmp_path: Path
) -> None:
    video, begins_s, count = kind
    soft = open_media(captioned(tmp_path, video, mode="soft"))
    assert (soft.video.frames, len(soft.facts.subtitles)) == (count, 1)
    for mode in ("replace", "mix"):
        result, made = sounded(tmp_path, video, beep, mode=mode)
        assert result.video.frames == count
        alone = mode == "replace" and video.suffix == ".ts"  # a stream's time is counted from what is read of it
        late_s = open_media(video).begun_s() if alone else begins_s
        assert open_media(made).begun_s() == pytest.approx(late_s, abs=0.06)
        length_s = late_s + count / result.video.fps
        assert result.video.audio_s == pytest.approx(length_s, abs=0.1)
        assert level(heard(made), NEW_HZ, 0.1, length_s - 0.1) > 0.2


def test_a_preview_is_found_in_streams_without_an_index(tmp_path: Path) -> None:
    for name, words in (("a.ts", ("-g", "100")), ("a.flv", ("-g", "100")), ("b.ts", ("-g", "25"))):
        video = make(tmp_path / name, *H264, *words, "-an", sources=LONG_PICTURE)
        whole = shown(captioned(tmp_path, video))
        for at_s in (0.0, 0.5, 1.5, 2.5, 3.9):
            picture = frames(captioned(tmp_path, video, preview_at_s=at_s), 320, 180)[0]
            apart = [abs(frame.astype(int) - picture.astype(int)).mean() for frame in whole]
            assert abs(apart.index(min(apart)) - at_s * 25) <= 2, (name, at_s)


@pytest.mark.parametrize("name", ["a.aac", "a.mp3"])
def test_a_sound_whose_length_is_only_guessed_by_its_beginning_is_whole(name: str, tmp_path: Path) -> None:
    quiet = ("-f", "lavfi", "-i", "anoisesrc=d=12:r=48000:a=0.5,volume='gt(t,1)':eval=frame")
    words = ("-q:a", "2", "-write_xing", "0") if name == "a.mp3" else ("-b:a", "192k")
    assert open_media(make(tmp_path / name, *words, sources=quiet)).facts.duration_s == pytest.approx(12, abs=0.2)


def test_a_sound_that_begins_late_in_its_file_is_heard_late(tmp_path: Path) -> None:
    video = usual(tmp_path / "v.mp4")
    sources = (*LONG_PICTURE, "-itsoffset", "0.5", *LONG_SOUND)
    source = make(tmp_path / "late.mkv", *H264, *AAC, sources=sources)
    assert open_media(source).sound.start_s == pytest.approx(0.5, abs=0.05)
    result, made = sounded(tmp_path, video, source)
    assert result.video.audio_s == pytest.approx(2.0, abs=0.05)
    assert level(heard(made), OWN_HZ, 0.0, 0.4) < 0.01
    assert level(heard(made), OWN_HZ, 0.6, 1.9) > 0.05


def test_the_last_frame_stays_where_frames_are_encoded_as_well(tmp_path: Path, beep: Path) -> None:
    webm = make(tmp_path / "a.webm", "-c:v", "libvpx", "-deadline", "realtime", "-an", sources=PICTURE)
    result, made = sounded(tmp_path, webm, beep, duration="longest")
    assert result.video.duration_s == pytest.approx(6.0, abs=0.1)
    assert result.video.audio_s == pytest.approx(6.0, abs=0.1)
    assert abs(shown(made)[-1].astype(int) - shown(webm)[-1].astype(int)).mean() < 6


def test_a_video_of_many_b_frames_is_cut(tmp_path: Path) -> None:
    waiting = ("-c:v", "libx264", "-bf", "16", "-b_strategy", "2", "-pix_fmt", "yuv420p")
    video = make(tmp_path / "v.mp4", *waiting, "-an", sources=LONG_PICTURE)
    short = make(tmp_path / "s.wav", sources=("-f", "lavfi", "-i", "sine=d=1.5"))
    result, _ = sounded(tmp_path, video, short, duration="shortest")
    assert result.video.audio_s == pytest.approx(1.5, abs=0.05)


def test_one_channel_and_two_become_two_each_as_loud_as_it_was(tmp_path: Path, beep: Path) -> None:
    video = make(tmp_path / "v.mp4", *H264, *AAC, sources=(*LONG_PICTURE, *LONG_SOUND))
    pair = ("-f", "lavfi", "-i", f"aevalsrc=0|0.5*sin(2*PI*{NEW_HZ}*t):s=48000:d=4")
    right = make(tmp_path / "right.wav", sources=pair)
    _, made = sounded(tmp_path, video, right, mode="mix")
    sound = open_media(made).sound
    assert sound.layout == "stereo"
    with av.open(str(made)) as container:
        left = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])[::6]
    assert level(left, OWN_HZ, 1, 3) == pytest.approx(level(heard(video), OWN_HZ, 1, 3), rel=0.1)
    assert level(left, NEW_HZ, 1, 3) < 0.01


def test_what_is_too_loud_is_limited_and_measured(tmp_path: Path, beep: Path) -> None:
    video = usual(tmp_path / "v.mp4")
    result, made = sounded(tmp_path, video, beep, volume=8, loudness_lufs=-16)
    assert result.loudness is not None
    assert result.loudness.after_lufs == pytest.approx(-16, abs=1)
    assert abs(heard(made)).max() <= 1.0


def test_what_can_t_be_mixed_is_said_before_any_work(
    tmp_path: Path, beep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = usual(tmp_path / "v.mp4")
    many = make(tmp_path / "many.wav", "-ac", "16", sources=("-f", "lavfi", "-i", "anullsrc=d=1:cl=16c"))
    with pytest.raises(MediaLimits, match="16 channels"):
        sounded(tmp_path, video, many)
    content = make(tmp_path / "song.m4a", *AAC, "-movflags", "+faststart", sources=SOUND).read_bytes()
    begin = content.index(b"mdat") + 4
    for good in (0, 2000):  # nothing of it, or its beginning alone
        bad = tmp_path / f"bad-{good}.m4a"
        bad.write_bytes(content[: begin + good] + b"\xff" * (len(content) - begin - good))
        with pytest.raises(MediaCorrupt, match="can't be decoded"):
            sounded(tmp_path, video, bad, loop=True)
    monkeypatch.setattr(doors, "MAX_DURATION_S", 7.0)
    with pytest.raises(MediaLimits, match="hours long"):
        sounded(tmp_path, video, beep, offset_s=5, duration="longest")


@pytest.mark.parametrize("asked", [{"start_s": 7}, {"offset_s": 3}], ids=str)
def test_a_sound_that_is_not_heard_is_said(asked: dict[str, float], tmp_path: Path, beep: Path) -> None:
    result, _ = sounded(tmp_path, usual(tmp_path / "v.mp4"), beep, **asked)
    assert any("is not heard" in reason for reason in result.pipeline.reasons)


@pytest.mark.parametrize(("codec", "name"), [("qtrle", "a.mov"), ("wmv2", "a.avi"), ("dvvideo", "a.avi")])
def test_codecs_that_are_not_taken_are_refused_before_any_decoding(
    codec: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = ("-s", "720x576", "-r", "25", "-pix_fmt", "yuv420p") if codec == "dvvideo" else ()
    video = make(tmp_path / name, *size, "-c:v", codec, sources=PICTURE)
    monkeypatch.setattr(facts, "counted", lambda *_: pytest.fail("it is decoded"))
    with pytest.raises(MediaFormat, match=codec):
        open_media(video)


def test_tags_of_all_kinds_are_read(tmp_path: Path) -> None:
    song = make(tmp_path / "song.mp3", "-b:a", "128k", sources=SOUND).read_bytes()
    tag = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)
    (tmp_path / "tagged.mp3").write_bytes(tag + tag + song)
    assert open_media(tmp_path / "tagged.mp3").sound.codec == "mp3"
    wide = make(tmp_path / "wide.wav", "-rf64", "always", sources=SOUND)
    assert open_media(wide).demuxer == "wav"
    when = "0001-01-01T00:00:00+23:00"
    early = make(tmp_path / "early.mkv", *H264, "-metadata", f"DATE_UTC={when}", sources=PICTURE)
    assert open_media(early).facts.created_at is None
    chapters = ";FFMETADATA1\n" + "".join(
        f"[CHAPTER]\nTIMEBASE=1/10000\nSTART={n}\nEND={n + 1}\ntitle={'t' * 400}\n" for n in range(1500)
    )
    (tmp_path / "chapters.txt").write_text(chapters)
    many = make(tmp_path / "many.mkv", *H264, sources=(*PICTURE, "-i", str(tmp_path / "chapters.txt")))
    found = open_media(many).facts.chapters
    assert len(found) == 1000
    assert {len(chapter.title or "") for chapter in found} == {200}


def test_looking_into_a_file_is_cancelled(tmp_path: Path) -> None:
    cancel = CancelFlag()
    cancel.set()
    with pytest.raises(WorkCancelled):
        open_media(usual(tmp_path / "a.mp4"), cancel)


def test_texts_at_the_same_time_are_all_in_the_track(tmp_path: Path) -> None:
    text = "1\n00:00:00,500 --> 00:00:01,800\nlong one\n\n2\n00:00:01,000 --> 00:00:01,400\nshort\n"
    made = captioned(tmp_path, usual(tmp_path / "a.mp4"), mode="soft", subtitles=text)
    with av.open(str(made)) as container:
        found = [
            (float((p.pts or 0) * (p.time_base or 0)), bytes(p)[2:].decode())
            for p in container.demux(subtitles=0)
            if p.size > 2
        ]
    assert found == [
        (0.5, "long one"),
        (1.0, "long one\nshort"),
        (1.4, "long one"),
    ]

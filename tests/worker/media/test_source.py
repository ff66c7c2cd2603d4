"""Looking into media: what is found in it, and what is refused before it is worked on."""

from pathlib import Path

import pytest

from shared.errors import JobError, MediaCorrupt, MediaEmpty, MediaFormat, MediaLimits, MediaTooLarge
from shared.media.facts import Location
from tests.worker.media.clips import AAC, H264, PICTURE, SOUND, make, usual
from worker.media.inspection import tally
from worker.media.source import open_media

pytestmark = pytest.mark.slow


def test_a_usual_clip_is_told_whole(tmp_path: Path) -> None:
    facts = open_media(usual(tmp_path / "a.mp4")).facts
    [video], [audio] = facts.video, facts.audio
    assert (facts.container, facts.size_bytes) == ("mov", (tmp_path / "a.mp4").stat().st_size)
    assert (video.codec, video.width, video.height, video.fps, video.frames) == ("h264", 320, 180, 25, 50)
    assert (video.duration_s, video.rotation, video.variable_fps, video.hdr, video.bit_depth) == (2, 0, False, None, 8)
    assert (audio.codec, audio.sample_rate, audio.channels, audio.layout) == ("aac", 48_000, 1, "mono")
    assert facts.duration_s == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize(
    ("name", "words", "container"),
    [
        ("a.mkv", (*H264, "-c:a", "flac"), "matroska"),
        ("a.webm", ("-c:v", "libvpx", "-c:a", "libopus"), "matroska"),
        ("a.avi", ("-c:v", "mpeg4", "-c:a", "libmp3lame"), "avi"),
        ("a.ts", (*H264, *AAC), "mpegts"),
        ("a.flv", (*H264, *AAC), "flv"),
        ("a.mpg", ("-c:v", "mpeg2video", "-c:a", "mp2"), "mpeg"),
    ],
)
def test_the_usual_containers_are_read(tmp_path: Path, name: str, words: tuple[str, ...], container: str) -> None:
    facts = open_media(make(tmp_path / name, *words)).facts
    assert facts.container == container
    assert (facts.video[0].width, facts.video[0].height) == (320, 180)
    assert facts.video[0].frames in range(49, 52)
    assert facts.duration_s == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(
    ("name", "demuxer"),
    [("a.mp3", "mp3"), ("a.aac", "aac"), ("a.wav", "wav"), ("a.flac", "flac"), ("a.ogg", "ogg"), ("a.aiff", "aiff")],
)
def test_sound_alone_is_read(tmp_path: Path, name: str, demuxer: str) -> None:
    source = open_media(make(tmp_path / name, sources=SOUND))
    assert source.demuxer == demuxer
    assert source.audio is not None
    assert source.audio.duration_s == pytest.approx(2.0, abs=0.1)
    with pytest.raises(MediaFormat, match="no video stream"):
        _ = source.video


def test_a_turned_phone_clip_is_told_as_it_is_shown(tmp_path: Path) -> None:
    plain = usual(tmp_path / "plain.mp4")
    turned = make(tmp_path / "a.mp4", "-c", "copy", sources=("-display_rotation:v:0", "90", "-i", str(plain)))
    video = open_media(turned).video
    assert (video.width, video.height, video.rotation) == (180, 320, 270)


def test_place_and_time_are_told_the_place_only_if_asked_for(tmp_path: Path) -> None:
    tags = ("-metadata", "location=+54.1843-002.7189/", "-metadata", "creation_time=2026-01-05T18:32:43Z")
    clip = make(tmp_path / "a.mp4", *H264, *AAC, *tags)
    assert open_media(clip).facts.location is None
    facts = open_media(clip, location=True).facts
    assert (facts.location, facts.created_at) == (
        Location(latitude=54.1843, longitude=-2.7189, altitude_m=None),
        "2026-01-05T18:32:43Z",
    )


def test_several_streams_are_all_told_and_the_default_one_is_chosen(tmp_path: Path) -> None:
    words = ("-map", "0:v", "-map", "1:a", "-map", "1:a", "-metadata:s:a:1", "language=por")
    clip = make(tmp_path / "a.mkv", *words, *H264, *AAC, "-disposition:a:0", "0", "-disposition:a:1", "default")
    source = open_media(clip)
    assert [track.language for track in source.facts.audio] == [None, "por"]
    assert source.audio is not None
    assert source.audio.index == 2


def test_uneven_frames_and_hdr_are_seen(tmp_path: Path) -> None:
    uneven = make(tmp_path / "a.mp4", "-vf", "select='lt(mod(n,5),3)'", "-fps_mode", "vfr", *H264, "-an")
    assert open_media(uneven).video.variable_fps
    colours = ("-vf", "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc")
    hdr = make(
        tmp_path / "b.mp4", "-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", *colours, "-an"
    )
    video = open_media(hdr).video
    assert (video.hdr, video.bit_depth, video.colour.primaries) == ("hdr10", 10, "bt2020")


def test_a_file_without_a_duration_is_counted(tmp_path: Path) -> None:
    live = make(tmp_path / "a.webm", "-c:v", "libvpx", "-an", "-live", "1", sources=PICTURE)
    assert open_media(live).facts.duration_s == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", MediaEmpty),
        (b"<!doctype html><title>Not here</title>", MediaFormat),
        (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", MediaFormat),
        (b"ffconcat version 1.0\nfile other.mp4\n", MediaFormat),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), MediaFormat),
        (b"\0\0\0\x18ftypmp42" + bytes(500), MediaCorrupt),
        (b"\x1a\x45\xdf\xa3" + bytes(500), MediaCorrupt),
    ],
)
def test_what_is_no_media_is_refused(tmp_path: Path, content: bytes, error: type[JobError]) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(error):
        open_media(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_file_that_was_cut_is_corrupt(tmp_path: Path, name: str) -> None:
    long = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=20")
    whole = make(tmp_path / name, *H264, "-movflags", "+faststart", sources=long)
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 8 // 10])
    with pytest.raises(MediaCorrupt, match="ends after"):
        open_media(cut)


def test_what_is_beyond_the_limits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = ("-f", "lavfi", "-i", "color=s=12000x4000:r=1:d=1")
    with pytest.raises(MediaTooLarge, match="12000×4000"):
        open_media(make(tmp_path / "a.mp4", *H264, "-frames:v", "1", sources=large))
    quick = ("-f", "lavfi", "-i", "testsrc2=s=64x64:r=1000:d=0.1")
    with pytest.raises(MediaLimits, match=r"1000\.0 frames per second"):
        open_media(make(tmp_path / "b.mp4", *H264, sources=quick))
    many = ("-map", "0:a") * 40
    with pytest.raises(MediaLimits, match="40 streams"):
        open_media(make(tmp_path / "c.mkv", *many, "-c:a", "flac", sources=SOUND))
    monkeypatch.setattr(tally, "MAX_PACKETS", 20)
    with pytest.raises(MediaLimits, match="too many"):
        open_media(usual(tmp_path / "d.mp4"))

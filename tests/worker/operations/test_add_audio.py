"""add_audio, judged by another decoder: which tones are heard when, and that frames are the very same."""

import hashlib
from pathlib import Path
from typing import Any

import av
import pytest
from pydantic import ValidationError

from shared.errors import MediaFormat, MediaLimits, WorkCancelled
from shared.operations.add_audio import Params, Result
from tests.worker.media.clips import AAC, H264, PICTURE, make
from tests.worker.media.decoding import times
from tests.worker.media.sound.hearing import heard, level
from tests.worker.operations.lone_item import LoneItem
from worker.operations import add_audio

OWN, NEW = 440, 1000
VIDEO, AUDIO = "https://media.example/video", "https://media.example/audio"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with a tone of 440 Hz."""
    own = ("-f", "lavfi", "-i", f"sine=f={OWN}:r=48000:d=2,volume=2")
    return make(tmp_path_factory.mktemp("video") / "video.mp4", *H264, "-bf", "2", *AAC, sources=(*PICTURE, *own))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of 1000 Hz."""
    new = ("-f", "lavfi", "-i", f"sine=f={NEW}:r=44100:d=1,volume=2")
    return make(tmp_path_factory.mktemp("sound") / "sound.wav", sources=new)


def run(folder: Path, video: Path, sound: Path, **fields: Any) -> tuple[Result, Path]:
    """Run the operation; return its result and the video."""
    item = LoneItem(video, folder, others={AUDIO: sound})
    result = add_audio.run(Params.model_validate({"video": VIDEO, "audio": AUDIO, **fields}), item)
    return result, item.output("video")


def packets(path: Path, kind: str = "video") -> list[str]:
    """Return the hash of each encoded frame."""
    with av.open(str(path)) as container:
        return [hashlib.sha256(bytes(packet)).hexdigest() for packet in container.demux(**{kind: 0}) if packet.size]


def test_the_new_sound_takes_the_place_of_the_old_and_frames_are_copied(
    tmp_path: Path, video: Path, sound: Path
) -> None:
    result, made = run(tmp_path, video, sound)
    assert packets(made) == packets(video)
    assert (result.pipeline.video, result.pipeline.decoder) == ("copy", "none")
    samples = heard(made)
    assert level(samples, NEW, 0.1, 0.9) == pytest.approx(0.25, rel=0.1)
    assert level(samples, NEW, 1.1, 1.9) < 0.002
    assert level(samples, OWN, 0.1, 1.9) < 0.002
    assert len(samples) / 8000 == pytest.approx(2.0, abs=0.05)


def test_both_are_heard_in_a_mix_at_their_volumes_and_times(tmp_path: Path, video: Path, sound: Path) -> None:
    fields = {"mode": "mix", "volume": 0.5, "original_volume": 2, "offset_s": 0.8}
    _, made = run(tmp_path, video, sound, **fields)
    samples = heard(made)
    assert level(samples, OWN, 0.1, 1.9) == pytest.approx(0.5, rel=0.1)
    assert level(samples, NEW, 0.1, 0.7) < 0.002
    assert level(samples, NEW, 0.9, 1.7) == pytest.approx(0.125, rel=0.1)
    assert level(samples, NEW, 1.85, 1.98) < 0.01


@pytest.mark.parametrize("mode", ["replace", "mix", "duck"])
def test_a_video_is_joined_with_its_own_sound(tmp_path: Path, video: Path, mode: str) -> None:
    result, made = run(tmp_path, video, video, mode=mode, offset_s=0.5)
    assert result.video.frames == 50
    assert level(heard(made), OWN, 0.6, 1.9) > 0.1


def test_music_gives_way_to_speech_and_comes_back(tmp_path: Path, sound: Path) -> None:
    # Speech in the first two seconds of five, silence after it.
    speech = ("-f", "lavfi", "-i", f"aevalsrc='if(lt(t,2),0.5*sin(2*PI*{OWN}*t),0)':d=5:s=48000")
    picture = ("-f", "lavfi", "-i", "color=s=64x64:r=10:d=5")
    video = make(tmp_path / "speech.mp4", *H264, *AAC, sources=(*picture, *speech))
    _, made = run(tmp_path, video, sound, mode="duck", loop=True)
    samples = heard(made)
    assert level(samples, OWN, 0.5, 1.8) == pytest.approx(0.5, rel=0.1)
    ducked, back = level(samples, NEW, 0.5, 1.8), level(samples, NEW, 3.5, 4.8)
    assert back == pytest.approx(0.25, rel=0.1)
    assert ducked < back / 4


def test_a_sound_is_cut_repeated_and_faded(tmp_path: Path, video: Path, sound: Path) -> None:
    _, made = run(tmp_path, video, sound, loop=True, fade_in_s=0.5, fade_out_s=0.5)
    samples = heard(made)
    middle = level(samples, NEW, 0.6, 1.4)
    assert middle == pytest.approx(0.25, rel=0.1)
    assert level(samples, NEW, 0.05, 0.15) < middle / 3
    assert level(samples, NEW, 1.85, 1.95) < middle / 3
    _, made = run(tmp_path, video, sound, start_s=0.6)
    assert level(heard(made), NEW, 0.05, 0.35) == pytest.approx(0.25, rel=0.1)
    assert level(heard(made), NEW, 0.45, 1.9) < 0.01


def test_fades_longer_than_the_sound_share_it(tmp_path: Path, video: Path, sound: Path) -> None:
    _, made = run(tmp_path, video, sound, fade_in_s=10, fade_out_s=30)
    samples = heard(made)
    assert level(samples, NEW, 0.22, 0.28) == pytest.approx(0.25, rel=0.2)
    assert max(level(samples, NEW, 0.0, 0.03), level(samples, NEW, 0.95, 1.0)) < 0.05


@pytest.mark.parametrize(
    ("duration", "offset_s", "whole_s"),
    [("video", 0, 2), ("audio", 0, 1), ("shortest", 0.5, 1.5), ("longest", 2, 3), ("audio", 2, 3)],
)
def test_the_result_is_as_long_as_was_asked(
    tmp_path: Path, video: Path, sound: Path, duration: str, offset_s: float, whole_s: float
) -> None:
    result, made = run(tmp_path, video, sound, duration=duration, offset_s=offset_s)
    assert result.video.duration_s == pytest.approx(whole_s, abs=0.13)  # a cut keeps the frames that others need
    assert result.video.audio_s == pytest.approx(whole_s, abs=0.05)
    assert result.pipeline.video == "copy"
    if whole_s >= 2:
        assert packets(made) == packets(video), "the last frame stays, and nothing is encoded for that"
        assert times(made) == times(video)


def test_the_whole_becomes_as_loud_as_wanted(tmp_path: Path, video: Path, sound: Path) -> None:
    result, made = run(tmp_path, video, sound, mode="mix", loop=True, loudness_lufs=-20)
    assert result.loudness is not None
    assert result.loudness.before_lufs is not None
    assert abs(result.loudness.before_lufs + 20) > 3
    assert result.loudness.after_lufs == pytest.approx(-20, abs=0.6)
    assert level(heard(made), NEW, 0.5, 1.5) == pytest.approx(level(heard(made), OWN, 0.5, 1.5), rel=0.15)


def test_silence_stays_silent(tmp_path: Path, video: Path) -> None:
    nothing = make(tmp_path / "silence.wav", sources=("-f", "lavfi", "-i", "anullsrc=r=48000:d=1"))
    result, _ = run(tmp_path, video, nothing, loudness_lufs=-14)
    assert result.loudness is not None
    assert (result.loudness.before_lufs, result.loudness.after_lufs) == (None, None)
    assert "silence has no loudness to correct" in result.pipeline.reasons


def test_frames_that_no_mp4_holds_are_encoded_and_it_is_said(tmp_path: Path, sound: Path) -> None:
    clip = make(tmp_path / "a.webm", "-c:v", "libvpx", "-b:v", "1M", "-an", sources=PICTURE)
    result, _ = run(tmp_path, clip, sound, mode="mix")
    assert result.video.codec == "h264"
    assert result.pipeline.reasons[0] == "vp8 is not for an MP4"
    assert result.pipeline.reasons[-1] == "the video has no sound of its own"


def test_odd_sides_become_even_where_frames_are_encoded(tmp_path: Path, sound: Path) -> None:
    clip = make(tmp_path / "a.webm", "-vf", "scale=321:181", "-c:v", "libvpx", "-b:v", "1M", "-an", sources=PICTURE)
    result, _ = run(tmp_path, clip, sound)
    assert (result.video.width, result.video.height, result.pipeline.filters[0]) == (322, 182, "pad")


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of AAC: silence but for 1000 Hz from 1.0 to 1.5."""
    beep = f"sine=f={NEW}:r=48000:d=3,volume='2*between(t,1,1.5)':eval=frame"
    return make(tmp_path_factory.mktemp("song") / "song.m4a", *AAC, sources=("-f", "lavfi", "-i", beep))


def test_a_sound_that_fits_is_copied_and_heard_at_its_times(tmp_path: Path, video: Path, song: Path) -> None:
    result, made = run(tmp_path, video, song)
    assert (result.pipeline.audio, result.pipeline.filters) == ("copy", [])
    assert "the new sound is copied: nothing asks for another one" in result.pipeline.reasons
    assert set(packets(made, "audio")) <= set(packets(song, "audio"))
    assert result.video.audio_s == pytest.approx(2.0, abs=0.05)
    samples = heard(made)
    assert level(samples, NEW, 1.02, 1.48) == pytest.approx(0.25, rel=0.1)
    assert max(level(samples, NEW, 0.0, 0.97), level(samples, NEW, 1.53, 1.95)) < 0.01


@pytest.mark.parametrize(
    "asked",
    [{"volume": 0.5}, {"mode": "mix"}, {"offset_s": 0.5}, {"start_s": 0.5}, {"loop": True}, {"loudness_lufs": -20}],
    ids=str,
)
def test_a_sound_that_is_changed_is_encoded(asked: dict[str, Any], tmp_path: Path, video: Path, song: Path) -> None:
    result, _ = run(tmp_path, video, song, **asked)
    assert result.pipeline.audio == "aac"


def test_a_sound_that_is_too_short_is_encoded_with_silence_behind_it(tmp_path: Path, video: Path, song: Path) -> None:
    short, _ = run(tmp_path, video, make(tmp_path / "short.m4a", "-t", "1", "-c", "copy", sources=("-i", str(song))))
    assert short.pipeline.audio == "aac"
    assert short.video.audio_s == pytest.approx(2.0, abs=0.05)


KINDS: dict[str, tuple[str, tuple[str | Path, ...], int]] = {
    "uneven frames": ("a.mp4", ("-vf", "select='lt(mod(n,5),3)'", "-fps_mode", "vfr", *H264, *AAC), 30),
    "no duration": ("a.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-live", "1", "-c:a", "libopus"), 50),
    "4:2:2 of 10 bits": ("a.mov", (*H264[:-1], "yuv422p10le", "-c:a", "pcm_s16le"), 50),
    "odd sides": ("a.mkv", ("-vf", "scale=321:181", *H264[:-1], "yuv444p", "-c:a", "flac"), 50),
    "several sounds": ("a.mkv", ("-map", "0:v", "-map", "1:a", "-map", "1:a", *H264, "-c:a", "libvorbis"), 50),
    "begins late": ("a.ts", (*H264, *AAC, "-output_ts_offset", "30"), 50),
}


@pytest.mark.parametrize("mode", ["replace", "mix"])
@pytest.mark.parametrize("kind", KINDS)
def test_videos_of_all_kinds_keep_their_frames(kind: str, mode: str, tmp_path: Path, sound: Path) -> None:
    name, words, count = KINDS[kind]
    source = make(tmp_path / name, *words)
    result, made = run(tmp_path, source, sound, mode=mode, offset_s=0.5)
    assert (result.video.frames, result.pipeline.video) == (count, "copy")
    samples = heard(made)
    assert level(samples, NEW, 0.6, 1.4) == pytest.approx(0.25, rel=0.15)
    assert level(samples, NEW, 0.0, 0.4) < 0.01
    assert (level(samples, OWN, 0.6, 1.4) > 0.05) == (mode == "mix")


def test_a_damaged_sound_is_heard_but_for_what_is_lost(tmp_path: Path, video: Path) -> None:
    tone = make(tmp_path / "tone.mp3", "-b:a", "128k", sources=("-f", "lavfi", "-i", f"sine=f={NEW}:d=2,volume=2"))
    content = bytearray(tone.read_bytes())
    half = len(content) // 2
    content[half : half + 2000] = bytes(byte ^ 0xA5 for byte in content[half : half + 2000])
    damaged = tmp_path / "damaged.mp3"
    damaged.write_bytes(content)
    _, made = run(tmp_path, video, damaged)
    samples = heard(made)
    assert level(samples, NEW, 0.1, 0.8) == pytest.approx(0.25, rel=0.1)
    assert level(samples, NEW, 1.4, 1.8) == pytest.approx(0.25, rel=0.1)


def test_a_turned_video_stays_turned_and_no_place_is_passed_on(tmp_path: Path, video: Path, sound: Path) -> None:
    words = ("-c", "copy", "-metadata", "location=+54.1843-002.7189/")
    turned = make(tmp_path / "t.mp4", *words, sources=("-display_rotation:v:0", "90", "-i", str(video)))
    result, made = run(tmp_path, turned, sound)
    assert (result.video.width, result.video.height) == (180, 320)
    assert b"54.1843" not in made.read_bytes()


def test_what_can_t_be_joined_is_refused(tmp_path: Path, video: Path, sound: Path) -> None:
    mute = make(tmp_path / "mute.mp4", *H264, "-an", sources=PICTURE)
    with pytest.raises(MediaFormat, match="no sound"):
        run(tmp_path, video, mute)
    with pytest.raises(MediaFormat, match="no video"):
        run(tmp_path, sound, sound)
    with pytest.raises(MediaLimits, match="Nothing would be left"):
        run(tmp_path, video, sound, start_s=5, duration="audio")
    with pytest.raises(ValidationError, match="no end"):
        Params.model_validate({"video": VIDEO, "audio": AUDIO, "loop": True, "duration": "audio"})


def test_a_cancel_ends_it(tmp_path: Path, video: Path, sound: Path) -> None:
    item = LoneItem(video, tmp_path, others={AUDIO: sound})
    item.cancel.set()
    with pytest.raises(WorkCancelled):
        add_audio.run(Params.model_validate({"video": VIDEO, "audio": AUDIO}), item)

"""What frames look like that are encoded anew: judged by decoding them, and by BT.2100's own formulas."""

from pathlib import Path

import numpy as np
import pytest

from shared.errors import MediaTooLarge
from shared.operations.caption import Params, Result
from tests.worker.media.clips import AAC, H264, PICTURE, SOUND, make
from tests.worker.media.decoding import Pixels, frames, likeness
from tests.worker.operations.lone_item import LoneItem
from worker.media import conform
from worker.media.source import Source, open_media
from worker.operations import caption

WIDTH, HEIGHT = 320, 180
LATE = "1\n00:00:50,000 --> 00:00:51,000\nnot in this video\n"
WHITE_203 = {"smpte2084": 0.5807, "arib-std-b67": 0.7497}
"""The signals of 203 cd/m² (BT.2408, table 1)."""
GREY_26 = {"smpte2084": 0.3746, "arib-std-b67": 0.38}
"""Those of an 18 % grey card (the same table): 26 cd/m²."""


def flat(signal: float) -> tuple[str, ...]:
    """Return a source whose 10-bit luma is that share of the way from black to white."""
    level = round(64 + 876 * signal)
    picture = f"color=black:s={WIDTH}x{HEIGHT}:r=10:d=1,format=yuv420p10le,lutyuv=y={level}:u=512:v=512"
    return ("-f", "lavfi", "-i", picture)


def hdr(target: Path, transfer: str, signal: float) -> Path:
    tagged = f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc:range=limited"
    return make(target, "-vf", tagged, "-c:v", "libx265", "-x265-params", "log-level=error", sources=flat(signal))


def burnt(folder: Path, video: Path, **fields: object) -> tuple[Result, Source, Pixels]:
    """Return what `caption` makes of the video, with no text in it unless `subtitles` say so."""
    params = {"video": "https://example.com/a.mp4", "subtitles": LATE, "quality": "high", **fields}
    item = LoneItem(video, folder)
    result = caption.run(Params.model_validate(params), item)
    made = open_media(item.output("video"))
    return result, made, frames(made.path, made.video.width, made.video.height)


def grey(picture: Pixels) -> float:
    """Return how bright the middle is, of 255; colours must not differ."""
    middle = picture[5, 60:120, 100:220].reshape(-1, 3).astype(float)
    assert np.ptp(middle.mean(axis=0)) < 4, "grey has become coloured"
    return float(middle.mean())


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_becomes_standard_range_with_its_whites_white_and_its_greys_grey(transfer: str, tmp_path: Path) -> None:
    result, made, white = burnt(tmp_path, hdr(tmp_path / "white.mp4", transfer, WHITE_203[transfer]))
    assert (made.video.hdr, made.video.colour.transfer, made.video.colour.matrix) == (None, "bt709", "bt709")
    assert (made.video.pixel_format, made.video.frames) == ("yuv420p", 10)
    assert "tonemap" in result.pipeline.filters
    assert f"{transfer} becomes standard range: an 8-bit video can't show it" in result.pipeline.reasons
    _, _, card = burnt(tmp_path, hdr(tmp_path / "card.mp4", transfer, GREY_26[transfer]))
    _, _, most = burnt(tmp_path, hdr(tmp_path / "most.mp4", transfer, 1.0))
    # In the standard range, a card of 18 % has the signal 0.41 (BT.709's formula): 104 of 255.
    assert 190 <= grey(white) <= 245
    assert grey(card) == pytest.approx(104, abs=12)
    assert grey(most) >= 250


def test_text_on_hdr_is_white_and_no_brighter_than_white(tmp_path: Path) -> None:
    dark = hdr(tmp_path / "dark.mp4", "arib-std-b67", 0.1)
    _, made, shown = burnt(tmp_path, dark, subtitles="1\n00:00:00,000 --> 00:00:02,000\nHello\n")
    assert made.video.hdr is None
    assert shown[5].min() < 40
    assert shown[5].max() >= 250


def test_pixels_that_are_not_square_become_so_and_text_is_not_stretched(tmp_path: Path) -> None:
    wide = make(tmp_path / "wide.mp4", "-vf", "setsar=2", *H264, "-an", sources=PICTURE)
    result, made, shown = burnt(tmp_path, wide)
    assert (made.video.width, made.video.height, made.video.pixel_aspect) == (640, 180, 1.0)
    assert result.video is not None
    assert result.video.width == 640
    plain = make(tmp_path / "plain.mp4", "-vf", "scale=640:180,setsar=1", *H264, "-an", sources=PICTURE)
    assert likeness(shown[10], frames(plain, 640, 180)[10]) > 0.95


def test_pixels_that_are_not_square_keep_the_shape_of_a_turned_picture(tmp_path: Path) -> None:
    wide = make(tmp_path / "wide.mp4", "-vf", "setsar=2", *H264, "-an", sources=PICTURE)
    turned = make(tmp_path / "turned.mp4", "-c", "copy", sources=("-display_rotation", "90", "-i", str(wide)))
    assert conform.size(open_media(turned)) == (180, 640)
    _, made, _ = burnt(tmp_path, turned)
    assert (made.video.width, made.video.height, made.video.rotation) == (180, 640, 0)


def test_pixels_that_are_nearly_square_are_and_the_size_stays(tmp_path: Path) -> None:
    cropped = ("-vf", "crop=135:240,scale=270:480", *H264, "-an")
    source = make(tmp_path / "upright.mp4", *cropped, sources=("-f", "lavfi", "-i", "testsrc2=s=426x240:r=10:d=1"))
    skewed = make(tmp_path / "skewed.mp4", "-vf", "setsar=404/405:max=1000", *H264, "-an", sources=("-i", str(source)))
    assert open_media(skewed).video.pixel_aspect != 1
    result, made, _ = burnt(tmp_path, skewed)
    assert (made.video.width, made.video.height, made.video.pixel_aspect) == (270, 480, 1.0)
    assert "pixels become square" not in result.pipeline.reasons


def test_a_shape_beyond_all_limits_is_refused(tmp_path: Path) -> None:
    wide = make(tmp_path / "wide.mp4", "-vf", "setsar=100", *H264, "-an", sources=PICTURE)
    with pytest.raises(MediaTooLarge, match="32000×180"):
        burnt(tmp_path, wide)


def test_interlaced_frames_become_whole_ones(tmp_path: Path) -> None:
    box = "color=white:s=60x100:r=50:d=2[box];color=black:s=320x180:r=50:d=2[dark]"
    moving = f"{box};[dark][box]overlay=x=mod(n*8\\,240):y=40"
    words = ("-vf", "interlace=lowpass=off", "-c:v", "libx264", "-qp", "10", "-flags", "+ildct+ilme", "-an")
    combed = make(tmp_path / "combed.mp4", *words, "-pix_fmt", "yuv420p", sources=("-f", "lavfi", "-i", moving))
    assert open_media(combed).video.interlaced
    _, made, shown = burnt(tmp_path, combed)
    assert not made.video.interlaced
    assert made.video.frames == open_media(combed).video.frames
    before = frames(combed, WIDTH, HEIGHT)
    assert comb(before[20]) > 10 * comb(shown[20])


def comb(picture: Pixels) -> float:
    """Return how much lines differ from those beside them, against those of their own field."""
    luma = picture.mean(axis=2)
    return float(np.abs(luma[45:135:2] - (luma[44:134:2] + luma[46:136:2]) / 2).mean())


@pytest.mark.parametrize("mode", ["burn", "soft"])
def test_odd_sides_become_even_wherever_frames_are_encoded(mode: str, tmp_path: Path) -> None:
    odd = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=10:d=1,scale=321:181")
    webm = make(tmp_path / "odd.webm", "-c:v", "libvpx", "-deadline", "realtime", sources=odd)
    _, made, _ = burnt(tmp_path, webm, mode=mode)
    assert (made.video.width, made.video.height, made.video.codec) == (322, 182, "h264")


def test_most_videos_need_none_of_it(tmp_path: Path) -> None:
    usual = open_media(make(tmp_path / "usual.mp4", *H264, *AAC, sources=(*PICTURE, *SOUND)))
    assert conform.steps(usual) == []
    assert conform.reasons(usual) == []

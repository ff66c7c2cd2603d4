"""Opening pictures from strangers."""

import io
import subprocess
import sys
import time
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from shared.errors import ImageFrames, ImageTooLarge, JobError, MediaCorrupt, MediaEmpty, MediaFormat
from tests.pictures import Pixels, encoded, scene
from worker.media.still import images

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF")


def read(path: Path, shrink: int = 1) -> Pixels:
    with images.opened(path) as picture:
        pixels, _ = picture.pixels(shrink)
        assert (pixels.shape[1], pixels.shape[0]) == picture.size or shrink > 1
        return pixels


def stored(folder: Path, content: bytes) -> Path:
    path = folder / "source"
    path.write_bytes(content)
    return path


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def png_chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def png_claiming(width: int, height: int) -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    data = png_chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + data + png_chunk(b"IEND", b"")


def jpeg_claiming(width: int, height: int) -> bytes:
    content = bytearray(encoded(scene(64, 48), "JPEG"))
    start = content.index(b"\xff\xc0") + 5
    content[start : start + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(content)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_comes_as_rgb(tmp_path: Path, format: str) -> None:
    original = scene(160, 120)
    pixels = read(stored(tmp_path, encoded(original, format, quality=95)))
    assert pixels.shape == (120, 160, 3)
    assert np.abs(pixels.astype(int) - original).mean() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_exif_orientation_is_honoured(tmp_path: Path, orientation: int, format: str) -> None:
    upright = scene(96, 64)
    turns = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: np.rot90(upright[:, ::-1], 1),
        6: np.rot90(upright, 1),
        7: np.rot90(upright[:, ::-1], -1),
        8: np.rot90(upright, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(np.ascontiguousarray(turns[orientation]), format, exif=exif.tobytes(), quality=95)
    pixels = read(stored(tmp_path, content))
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).mean() < 8


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_unreadable_exif_is_passed_over(tmp_path: Path) -> None:
    path = stored(tmp_path, encoded(scene(64, 48), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"))
    assert read(path).shape == (48, 64, 3)


def test_transparency_shows_black(tmp_path: Path) -> None:
    cut_out = np.full((8, 8, 4), 200, np.uint8)
    cut_out[:4, :, 3], cut_out[4:, :, 3] = 0, 255
    pixels = read(stored(tmp_path, saved(Image.fromarray(cut_out), "PNG")))
    assert pixels[:4].max() == 0
    assert (pixels[4:] == 200).all()


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "CMYK", "YCbCr", "I;16"])
def test_other_colour_modes_come_as_rgb(tmp_path: Path, mode: str) -> None:
    grey = np.tile(np.linspace(0, 255, 64, dtype=np.uint8), (32, 1))
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(np.dstack([grey] * 3))
        image = image.quantize(64) if mode == "P" else image.convert(mode)
    pixels = read(stored(tmp_path, saved(image, "JPEG" if mode in ("CMYK", "YCbCr") else "PNG")))
    assert pixels.shape == (32, 64, 3)
    if mode != "1":
        assert np.abs(pixels[..., 1].astype(int) - grey).mean() < 4


def swapped_profile() -> bytes:
    """An RGB profile whose red and blue are sRGB's blue and red."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    renamed = profile.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    return renamed.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")


def test_an_embedded_profile_is_converted(tmp_path: Path) -> None:
    red = Image.new("RGB", (16, 16), (255, 0, 0))
    pixels = read(stored(tmp_path, saved(red, "PNG", icc_profile=swapped_profile())))
    assert np.abs(pixels.astype(int) - (0, 0, 255)).max() <= 2


def test_the_profile_of_a_palette_is_converted(tmp_path: Path) -> None:
    red = Image.new("RGB", (16, 16), (255, 0, 0)).quantize(4)
    pixels = read(stored(tmp_path, saved(red, "PNG", icc_profile=swapped_profile())))
    assert np.abs(pixels.astype(int) - (0, 0, 255)).max() <= 2


@pytest.mark.parametrize("kind", ["broken", "of another mode"])
def test_a_profile_that_does_not_fit_is_passed_over(tmp_path: Path, kind: str) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    profile = lab if kind == "of another mode" else b"no profile"
    grey = Image.new("RGB", (16, 16), (128, 128, 128))
    assert (read(stored(tmp_path, saved(grey, "PNG", icc_profile=profile))) == 128).all()


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (32, 32), (250, 0, 0)), Image.new("RGB", (32, 32), (0, 0, 250))
    path = stored(tmp_path, saved(first, "WEBP", save_all=True, append_images=[second], lossless=True))
    assert (read(path) == (250, 0, 0)).all()


def test_an_animation_of_too_many_frames_is_refused(tmp_path: Path) -> None:
    dots = [Image.new("RGB", (2, 2), (n % 2 * 250, 0, 0)) for n in range(images.MAX_FRAMES + 1)]
    with pytest.raises(ImageFrames, match="1001 frames"):
        read(stored(tmp_path, saved(dots[0], "WEBP", save_all=True, append_images=dots[1:])))


@pytest.mark.parametrize(("size", "shrunk"), [((800, 600), 4), ((801, 603), 2), ((300, 200), 8)])
def test_a_jpeg_is_decoded_smaller_on_demand(tmp_path: Path, size: tuple[int, int], shrunk: int) -> None:
    path = stored(tmp_path, encoded(scene(*size), "JPEG"))
    with images.opened(path) as picture:
        pixels, found = picture.pixels(shrunk)
        assert picture.size == size
    assert found == shrunk
    assert pixels.shape[1] == -(-size[0] // shrunk)


def test_a_jpeg_with_more_pictures_behind_it_is_decoded_smaller_too(tmp_path: Path) -> None:
    first, second = Image.fromarray(scene(800, 600)), Image.fromarray(scene(80, 60))
    path = stored(tmp_path, saved(first, "MPO", save_all=True, append_images=[second]))
    with images.opened(path) as picture:
        pixels, found = picture.pixels(4)
    assert (pixels.shape, found) == ((150, 200, 3), 4)


def test_an_empty_file_is_media_empty(tmp_path: Path) -> None:
    with pytest.raises(MediaEmpty):
        read(stored(tmp_path, b""))


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"#EXTM3U\nfile:///etc/passwd\n",
        b"GIF89a" + bytes(40),
        b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(40),
    ],
    ids=["text", "EPS", "SVG", "playlist", "GIF", "MP4"],
)
def test_what_is_no_picture_of_ours_is_media_format(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(MediaFormat):
        read(stored(tmp_path, content))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_cut_short_is_media_corrupt(tmp_path: Path, format: str, share: float) -> None:
    content = encoded(scene(200, 150), format)
    with pytest.raises(MediaCorrupt):
        read(stored(tmp_path, content[: int(len(content) * share)]))


@pytest.mark.parametrize("format", FORMATS)
def test_flipped_bytes_never_raise_anything_else(tmp_path: Path, format: str) -> None:
    random = np.random.default_rng(5)
    good = np.frombuffer(encoded(scene(80, 60), format), np.uint8)
    for _ in range(40):
        content = good.copy()
        content[random.integers(16, content.size, 6)] = random.integers(0, 256, 6)
        try:
            assert read(stored(tmp_path, content.tobytes())).ndim == 3
        except JobError as refused:
            assert refused.code.startswith(("media-", "image-"))


def test_text_that_unpacks_to_a_flood_is_refused(tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("flood", "a" * (200 << 20), zip=True)
    with pytest.raises(MediaCorrupt):
        read(stored(tmp_path, saved(Image.new("RGB", (8, 8)), "PNG", pnginfo=text)))


def test_a_hundred_thousand_chunks_are_passed_over_quickly(tmp_path: Path) -> None:
    whole = saved(Image.new("RGB", (8, 8)), "PNG")
    head = whole.index(b"IDAT") - 4
    flood = whole[:head] + png_chunk(b"tEXt", b"a\0b") * 100_000 + whole[head:]
    started_s = time.process_time()
    with suppress(MediaCorrupt):
        assert read(stored(tmp_path, flood)).shape == (8, 8, 3)
    assert time.process_time() - started_s < 2, "of the processor's time, whatever else runs here"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    "content",
    [
        png_claiming(65_500, 65_500),
        png_claiming(10_001, 10_000),
        png_claiming(100_000, 4),
        jpeg_claiming(65_500, 65_500),
        jpeg_claiming(13_000, 13_000),
    ],
    ids=["PNG 65500²", "PNG just over", "PNG too long", "JPEG 65500²", "JPEG 169 MP"],
)
def test_a_picture_that_claims_too_much_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ImageTooLarge):
        read(stored(tmp_path, content))


MEASURED = """
import resource, sys
from pathlib import Path
from shared.errors import JobError
from worker.media.still import images
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        with images.opened(Path(path)) as picture:
            picture.pixels()
    except JobError as refused:
        print(refused.code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_refusing_takes_no_memory_for_pixels(tmp_path: Path) -> None:
    contents = {
        "png": png_claiming(65_500, 65_500),
        "jpeg": jpeg_claiming(65_500, 65_500),
        "bomb": jpeg_claiming(13_000, 13_000),
        "cut": encoded(scene(200, 150), "JPEG")[:900],
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    argv = [sys.executable, "-c", MEASURED, *(str(tmp_path / name) for name in contents)]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    codes, grown_kib = zip(*(line.split() for line in lines), strict=True)
    assert codes == ("image-too-large", "image-too-large", "image-too-large", "media-corrupt")
    assert max(int(grown) for grown in grown_kib) < 30_000

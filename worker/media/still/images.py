"""Pictures from strangers: recognised by their first bytes, measured before they are decoded, made upright sRGB."""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageCms

from shared.errors import ImageFrames, ImageTooLarge, JobError, MediaCorrupt, MediaEmpty, MediaFormat

Format = Literal["JPEG", "PNG", "WEBP", "AVIF", "HEIF"]
Pixels = NDArray[np.uint8]

MAX_PIXELS = 100_000_000
MAX_FRAMES = 1000
MAX_SIDE = 65_500  # JPEG's own limit (ITU-T T.81 allows 65 535, libjpeg 65 500)
_BACKGROUND = (0, 0, 0)  # what shows through transparent pixels: black, like the bars of `contain`
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_HEAD_BYTES = 64
_STRIP_ROWS = 256
_EXIF_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)
_SHRINKING = ("JPEG", "MPO")  # MPO: a JPEG with more pictures behind it, as phones write with depth or HDR gain maps
# What makes the stored rows and columns upright (EXIF 2.3, tag Orientation); views, nothing is copied.
_UPRIGHT: Mapping[int, Callable[[Pixels], Pixels]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],
    7: lambda stored: stored.swapaxes(0, 1)[::-1, ::-1],
    8: lambda stored: stored.swapaxes(0, 1)[::-1],
}


@contextmanager
def opened(path: Path) -> Iterator["Picture"]:
    """Open and measure the picture at `path`; nothing of its pixels is decoded yet.

    Raises MediaEmpty, MediaFormat, ImageTooLarge, ImageFrames, and MediaCorrupt for a header that can't be read.
    """
    with path.open("rb") as file:
        kind = sniff(file.read(_HEAD_BYTES))
        file.seek(0)
        with _refusing_damage():
            image = _open_as(kind, file)
        with image:
            yield Picture(image)


class Picture:
    """A picture whose header is read and found fit."""

    def __init__(self, image: Image.Image) -> None:
        """`image` is open and not loaded; ImageTooLarge, ImageFrames if it claims more than is taken."""
        if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
            claim = f"{image.width}×{image.height}"
            raise ImageTooLarge(f"The picture has {claim} pixels; at most {MAX_PIXELS // 10**6} million are taken.")
        if (frames := getattr(image, "n_frames", 1)) > MAX_FRAMES:
            raise ImageFrames(f"The picture has {frames} frames; at most {MAX_FRAMES} are taken.")
        self._image = image
        self._orientation = _orientation(image)
        width, height = image.size
        self.size = (height, width) if self._orientation in _TURNED else (width, height)
        """The upright (width, height) in full."""

    def pixels(self, shrink: int = 1) -> tuple[Pixels, int]:
        """Decode; return upright sRGB pixels, shape (height, width, 3), and how many times smaller than in full.

        `shrink` is the most that they may be smaller: JPEG can halve, quarter or eighth while decoding, which is quick
        and takes little memory; the rest comes in full. MediaCorrupt for what is damaged or cut short.
        """
        image = self._image
        with _refusing_damage():
            full_width = image.width
            if image.format in _SHRINKING and shrink > 1:
                image.draft(None, (max(1, image.width // shrink), max(1, image.height // shrink)))
            shrunk = round(full_width / image.width)
            image.load()
            upright = _UPRIGHT[self._orientation](_array(_srgb(image)))
        return np.ascontiguousarray(upright), shrunk


def sniff(head: bytes) -> Format:
    """Return the format that a file's first bytes promise; MediaEmpty without any, MediaFormat if not ours."""
    if not head:
        raise MediaEmpty
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        # ISO/IEC 14496-12: major brand, version, compatible brands. An AVIF may call itself mif1 first.
        brands = {head[start : start + 4] for start in (8, *range(16, len(head) - 3, 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIF"
    raise MediaFormat("The source is not a JPEG, PNG, WebP, HEIC or AVIF picture.")


def _open_as(kind: Format, file: BinaryIO) -> Image.Image:
    """Let only the decoder try that the first bytes call for."""
    if kind == "HEIF":
        pillow_heif.register_heif_opener()
    return Image.open(file, formats=[kind])


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; EXIF that can't be read is no reason to refuse a picture."""
    try:
        value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - a parser of strangers' bytes may raise anything
        return 1
    return value if value in _UPRIGHT else 1


def _srgb(image: Image.Image) -> Image.Image:
    """Return the first frame as 8-bit sRGB without transparency."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        # 16 bits per sample; Pillow's own conversion would clip all that is above 255.
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        cut_out = image.convert("RGBA")
        image = Image.new("RGB", image.size, _BACKGROUND)
        image.paste(cut_out, mask=cut_out.getchannel("A"))
    if image.mode == "P":
        image = image.convert("RGB")  # The profile speaks of the palette's colours, and lcms takes no palettes.
    if profile:
        image = _converted(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _array(image: Image.Image) -> Pixels:
    """Return the pixels of an RGB image; taken in one piece they would need twice the memory for a moment."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    """Return `image` from its profile's colours in sRGB; a profile that can't be used is passed over."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        made = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return made or image


@contextmanager
def _refusing_damage() -> Iterator[None]:
    """Turn whatever a decoder raises on strangers' bytes into one of our errors."""
    try:
        yield
    except (JobError, MemoryError):
        raise
    except Image.DecompressionBombError as bomb:
        raise ImageTooLarge from bomb
    except Exception as damaged:
        raise MediaCorrupt from damaged

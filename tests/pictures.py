"""Photos for tests and measurements: drawn from a seed or from scikit-image's samples, never downloaded."""

import io
from typing import Any

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

SAMPLES = ("astronaut", "coffee", "chelsea", "rocket", "retina", "camera")  # these come with scikit-image's wheel


def photo(width: int = 640, height: int = 480, *, seed: int = 0, format: str = "JPEG", **options: Any) -> bytes:
    """Return an encoded photo-like picture; `options` go to Pillow's save (quality, exif, icc_profile, …)."""
    return encoded(scene(width, height, seed=seed), format, **options)


def encoded(pixels: Pixels, format: str, **options: Any) -> bytes:
    """Return RGB (or other Pillow-ready) pixels as a file of `format`."""
    if format == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format, **({"quality": 90} if format == "JPEG" else {}) | options)
    return file.getvalue()


def scene(width: int, height: int, *, seed: int = 0, grain: float = 4) -> Pixels:
    """Return smooth hills of colour with hard-edged discs and fine grain on them: every place looks different."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(40, 215, (5, 7, 3)).astype(np.float32)
    pixels = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(24):
        centre = (int(random.integers(width)), int(random.integers(height)))
        radius = int(random.integers(2, max(3, min(width, height) // 8)))
        cv2.circle(pixels, centre, radius, random.uniform(0, 255, 3).tolist(), -1, cv2.LINE_AA)
    pixels = pixels + random.normal(0, grain, (height, width, 1))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def sample(name: str, width: int, height: int, *, seed: int = 1) -> Pixels:
    """Return one of SAMPLES in the size of a camera's photo, with a gradient and two grains as sensors leave them."""
    random = np.random.default_rng(seed)
    picture = getattr(skimage.data, name)()
    if picture.ndim == 2:
        picture = np.dstack([picture] * 3)
    pixels = cv2.resize(_cut(picture, width / height), (width, height), interpolation=cv2.INTER_CUBIC)
    mottle = cv2.resize(random.normal(0, 6, (height // 16, width // 16)).astype(np.float32), (width, height))
    grain = random.normal(0, 3, (height, width)).astype(np.float32)
    light = np.linspace(-25, 25, width, dtype=np.float32)
    made: Pixels = np.clip(pixels + (mottle + grain + light)[..., None], 0, 255).astype(np.uint8)
    return made


def texture(width: int, height: int, *, seed: int = 2) -> Pixels:
    """Return fine texture: ripples of many directions and periods down to 3 pixels, in weak colour."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    grey = np.full((height, width), 128, np.float32)
    for period in np.geomspace(3, 40, 14):
        angle, phase = random.uniform(0, np.pi), random.uniform(0, 2 * np.pi)
        grey += 9 * np.sin(2 * np.pi / period * (x * np.cos(angle) + y * np.sin(angle)) + phase)
    tint = np.stack([np.sin(x / 90), np.sin(y / 70), np.cos((x + y) / 110)], axis=-1) * 12
    made: Pixels = np.clip(grey[..., None] + tint, 0, 255).astype(np.uint8)
    return made


def _cut(picture: Pixels, shape: float) -> Pixels:
    """Return the middle of `picture` with `shape` = width / height."""
    height, width = picture.shape[:2]
    if width > height * shape:
        kept = round(height * shape)
        return np.asarray(picture[:, (width - kept) // 2 :][:, :kept])
    kept = round(width / shape)
    return picture[(height - kept) // 2 :][:kept]

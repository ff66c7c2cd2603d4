"""Fractal noise, and the colouring of a field of numbers: the paint of the demo's pictures."""

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]
"""Height × width × 3, in OpenCV's order: blue, green, red."""


def fractal_noise(
    random: np.random.Generator, width: int, height: int, *, feature_px: float, octaves: int = 6, gain: float = 0.5
) -> Field:
    """Return smooth noise in 0..1; the largest features are `feature_px` wide, each octave halves them.

    Octaves are added while the field grows to its size, so that only the last step costs full resolution.
    """
    columns, rows = max(2, round(width / feature_px)), max(2, round(height / feature_px))
    field = random.random((rows, columns), dtype=np.float32)
    amplitude, total = 1.0, 1.0
    for _ in range(octaves - 1):
        columns, rows = min(columns * 2, width), min(rows * 2, height)
        amplitude *= gain
        total += amplitude
        field = cv2.resize(field, (columns, rows), interpolation=cv2.INTER_CUBIC).astype(np.float32, copy=False)
        field += amplitude * random.random((rows, columns), dtype=np.float32)
    field = cv2.resize(field / total, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32, copy=False)
    return np.asarray(cv2.normalize(field, field.copy(), 0, 1, cv2.NORM_MINMAX), dtype=np.float32)


def palette(*stops: tuple[float, str], steps: int = 1024) -> Picture:
    """Return `steps` colours (steps × 3, BGR) through (position 0..1, "#rrggbb") stops."""
    positions = [position for position, _ in stops]
    colours = np.array([[int(text[i : i + 2], 16) for i in (5, 3, 1)] for _, text in stops], dtype=np.float32)
    at = np.linspace(0, 1, steps)
    channels = [np.interp(at, positions, colours[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def coloured(field: Field, colours: Picture) -> Picture:
    """Return the picture of a 0..1 field in the colours of a palette."""
    index = np.clip(field * (len(colours) - 1), 0, len(colours) - 1).astype(np.uint16)
    return np.take(colours, index, axis=0)


def with_grain(random: np.random.Generator, picture: Picture, strength: float = 5) -> Picture:
    """Return the picture with film grain: fine detail everywhere, and no banding in gradients."""
    tile = (128 + strength * random.standard_normal((512, 512, 1))).clip(0, 255).astype(np.uint8)
    height, width = picture.shape[:2]
    grain = np.tile(tile, (height // 512 + 1, width // 512 + 1, 1))[:height, :width]
    return np.asarray(cv2.addWeighted(picture, 1, cv2.cvtColor(grain, cv2.COLOR_GRAY2BGR), 1, -128), dtype=np.uint8)


def glow(width: int, height: int, centre: tuple[float, float], radius_px: float) -> Field:
    """Return light that falls off from `centre` (in pixels): 1 there, a half at `radius_px`."""
    scale = 8
    y, x = np.mgrid[0 : height // scale + 1, 0 : width // scale + 1].astype(np.float32) * scale
    squared = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / radius_px**2
    light = cv2.resize((1 / (1 + squared)).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(light, dtype=np.float32)


def lit(picture: Picture, light: Field, colour: str) -> Picture:
    """Return the picture with `light` (0..1) of a colour added."""
    tint = palette((0, "#000000"), (1, colour), steps=256)
    return np.asarray(cv2.add(picture, coloured(light, tint)), dtype=np.uint8)

"""Six scenes, drawn by arithmetic: each is a function of a random generator and a size in pixels."""

import cv2
import numpy as np

from revela.demo.noise import Field, Picture, coloured, fractal_noise, glow, lit, palette, with_grain


def mountains(random: np.random.Generator, width: int, height: int) -> Picture:
    """Ridges in the morning mist, firs on the nearest."""
    layers = 7
    layer = np.zeros((height, width), dtype=np.uint8)
    for number in range(1, layers + 1):
        nearness = number / layers
        ridge = _ridge(random, width, roughness=0.35 + 0.2 * nearness) * height * (0.26 - 0.08 * nearness)
        top = height * (0.47 + 0.43 * nearness**1.2) - ridge
        _fill_below(layer, top, number)
        if number >= layers - 1:
            _plant_firs(random, layer, top, number, size_px=height * (0.028 if number < layers else 0.06))
    sky = palette((0, "#1f3566"), (0.2, "#6a7fb4"), (0.36, "#eba583"), (0.48, "#ffdcae"), (1, "#fff1d6"), steps=height)
    table = [sky, *(_mist_colours(number / layers, height) for number in range(1, layers + 1))]
    mist = fractal_noise(random, width, height, feature_px=width / 5, octaves=7) - 0.5
    row = np.arange(height, dtype=np.float32)[:, None] + mist * height * 0.16
    index = layer.astype(np.uint32) * height + np.clip(row, 0, height - 1).astype(np.uint32)
    picture = np.take(np.concatenate(table), index, axis=0)
    sun = (round(width * 0.64), round(height * 0.27))
    disc = cv2.circle(np.zeros_like(layer), sun, round(height * 0.032), 255, -1, cv2.LINE_AA)
    picture[(layer == 0) & (disc > 0)] = (214, 240, 255)
    picture = lit(picture, glow(width, height, sun, height * 0.09), "#b87848")
    return with_grain(random, picture)


def city(random: np.random.Generator, width: int, height: int) -> Picture:
    """Towers at night, doubled in the water."""
    shore = round(height * 0.72)
    sky = palette((0, "#050818"), (0.5, "#141a3c"), (0.8, "#3a2a58"), (1, "#7a4258"), steps=shore)
    picture = np.repeat(sky[:, None, :], width, axis=1)
    _scatter_stars(random, picture[: round(shore * 0.6)], count=width * shore // 9000)
    picture = lit(picture, glow(width, shore, (width * 0.74, shore * 0.2), width * 0.035), "#e8e4d0")
    cv2.circle(
        picture, (round(width * 0.74), round(shore * 0.2)), round(width * 0.045), (222, 238, 244), -1, cv2.LINE_AA
    )
    for nearness in (0.0, 0.35, 0.7, 1.0):
        _row_of_towers(random, picture, nearness)
    water = _reflection(random, picture, height - shore)
    return with_grain(random, np.concatenate([picture, water]), 4)


def canyon(random: np.random.Generator, width: int, height: int) -> Picture:
    """Sheets of paper cut along the contours of a noise, each throwing a shadow on the next."""
    base = fractal_noise(random, width // 4, height // 4, feature_px=width / 12, octaves=5, gain=0.42)
    field = cv2.resize(base, (width, height), interpolation=cv2.INTER_CUBIC)
    levels = 17
    sheet = np.floor(field * levels * 0.999).astype(np.float32)
    reach = width / 90
    blurred = cv2.GaussianBlur(
        cv2.resize(sheet, (width // 4, height // 4), interpolation=cv2.INTER_AREA), (0, 0), reach / 4
    )
    above = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
    shift = np.array([[1, 0, reach * 0.8], [0, 1, reach]], dtype=np.float32)
    shadow = cv2.warpAffine(above, shift, (width, height), borderMode=cv2.BORDER_REPLICATE) - sheet
    colours = palette(
        (0, "#0b2a3f"), (0.2, "#14646e"), (0.4, "#58a890"), (0.55, "#f4e1b0"), (0.72, "#f0944a"), (0.86, "#c4452f"),
        (1, "#5c1530"),
    )  # fmt: skip
    fibre = fractal_noise(random, width, height, feature_px=24, octaves=3) - 0.5
    shade = (1 - 0.42 * np.clip(shadow, 0, 1.4) + 0.10 * fibre).astype(np.float32)
    paper = coloured(sheet / (levels - 1), colours)
    return with_grain(random, cv2.multiply(paper, cv2.merge([shade] * 3), dtype=cv2.CV_8U).astype(np.uint8), 3)


def nebula(random: np.random.Generator, width: int, height: int) -> Picture:
    """Clouds of gas and some thousand stars."""
    bend = fractal_noise(random, width // 4, height // 4, feature_px=width / 14, octaves=4)
    cloud = _warped(
        fractal_noise(random, width, height, feature_px=width / 5, octaves=8, gain=0.55), bend, width * 0.10
    )
    dust = fractal_noise(random, width, height, feature_px=width / 7, octaves=8, gain=0.6)
    density = np.clip((cloud - 0.34) * 1.9, 0, 1) * np.clip(1.5 - 1.7 * dust, 0.05, 1)
    colours = palette(
        (0, "#03040d"), (0.15, "#0c1330"), (0.35, "#3a1f66"), (0.55, "#a8327a"), (0.72, "#f0706a"), (0.88, "#ffc98a"),
        (1, "#fff6e0"),
    )  # fmt: skip
    picture = coloured(density.astype(np.float32), colours)
    picture = lit(picture, glow(width, height, (width * 0.32, height * 0.55), height * 0.2) * 0.5, "#2a5a8c")
    _scatter_stars(random, picture, count=width * height // 2500)
    for _ in range(14):
        _bright_star(
            picture, random.uniform(0, width), random.uniform(0, height), height * random.uniform(0.012, 0.045)
        )
    return with_grain(random, picture, 3)


def sunflower(random: np.random.Generator, width: int, height: int) -> Picture:
    """Seeds along the golden angle (Vogel 1979, "A better way to construct the sunflower head")."""
    centre, reach = np.array([width, height]) / 2, min(width, height) * 0.485
    ground = palette((0, "#16324a"), (1, "#071019"), steps=256)
    picture = coloured(1 - glow(width, height, (width / 2, height / 2), reach * 0.8), ground)
    seeds, golden = 2600, np.pi * (3 - np.sqrt(5))
    rim = palette(
        (0, "#2a160c"), (0.22, "#6b3410"), (0.4, "#d98a1c"), (0.62, "#ffd24a"), (0.82, "#ff8c42"), (1, "#d63a5e")
    )
    for n in range(seeds, 0, -1):
        far = np.sqrt(n / seeds)
        x, y = centre + reach * far * np.array([np.cos(n * golden), np.sin(n * golden)])
        size = reach * (0.012 + 0.030 * far**1.5)
        colour = rim[min(1023, int(far * 1000 + random.normal(0, 14)) if far < 0.97 else 1000)].astype(float)
        _petal(picture, (x, y), size, float(np.degrees(n * golden)), colour)
    return with_grain(random, picture, 4)


def dunes(random: np.random.Generator, width: int, height: int) -> Picture:
    """Sand under a low sun, rippled by the wind."""
    wide = fractal_noise(random, width, height, feature_px=width / 3, octaves=3, gain=0.3)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    crest = np.abs(((y / height) * 3.2 + wide * 1.5) % 1 - 0.5) * 2
    waves = np.sin((x * 0.35 + y) * (150 / height) * 2 * np.pi / 2 + wide * 60) * (0.35 + 0.65 * crest)
    relief = (crest**1.6 * height * 0.10 + waves * height * 0.0011).astype(np.float32)
    slope = (cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3) * 0.5 + cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3)) / 8
    light = np.clip(0.55 + slope * 0.55, 0, 1).astype(np.float32)
    sand = palette((0, "#2c1a2e"), (0.3, "#7a3f3a"), (0.55, "#c9774a"), (0.78, "#f2b870"), (1, "#fff0cc"))
    return with_grain(random, coloured(light, sand), 7)


def _ridge(random: np.random.Generator, width: int, roughness: float) -> Field:
    """Return the height 0..1 of a ridge at each column: a fractal line."""
    line, amplitude = np.zeros(width, dtype=np.float32), 1.0
    for octave in range(9):
        points = random.random(3 * 2**octave + 1)
        line += (amplitude * np.interp(np.linspace(0, len(points) - 1, width), range(len(points)), points)).astype(
            np.float32
        )
        amplitude *= roughness
    return np.asarray((line - line.min()) / (line.max() - line.min()), dtype=np.float32)


def _fill_below(layer: Picture, top: Field, value: int) -> None:
    height, width = layer.shape
    outline = np.stack([np.arange(width), top], axis=-1).round().astype(np.int32)
    corners = np.array([[width - 1, height - 1], [0, height - 1]], dtype=np.int32)
    cv2.fillPoly(layer, [np.concatenate([outline, corners])], value)


def _plant_firs(random: np.random.Generator, layer: Picture, top: Field, value: int, size_px: float) -> None:
    """Put firs on a ridge: a trunk and boughs that widen downwards."""
    width = layer.shape[1]
    for x in random.uniform(0, width - 1, round(width / size_px * 2.6)):
        tall = size_px * random.uniform(0.45, 1.3)
        foot = top[int(x)] + size_px * 0.2
        outline = [(x, foot - tall)]
        for bough in range(1, 10):
            reach, y = tall * 0.17 * bough / 9 * random.uniform(0.75, 1.2), foot - tall * (1 - bough / 9)
            outline = [(x - reach, y), (x - reach * 0.45, y - tall * 0.02), *outline]
            outline += [(x + reach * 0.45, y - tall * 0.02), (x + reach, y)]
        cv2.fillPoly(layer, [np.array(outline).round().astype(np.int32)], value)


def _mist_colours(nearness: float, rows: int) -> Picture:
    """Return the colours of a ridge by row: dark at its crest, paler in the valley, all the darker the nearer."""
    far, near = np.array([176, 150, 148], dtype=np.float32), np.array([38, 26, 14], dtype=np.float32)
    crest = far + (near - far) * nearness**0.8
    valley = crest + (np.array([206, 224, 246], dtype=np.float32) - crest) * (0.75 - 0.7 * nearness**2)
    along = np.clip((np.linspace(0, 1, rows) - (0.30 + 0.50 * nearness)) / 0.26, 0, 1)[:, None]
    return np.asarray((crest + (valley - crest) * along).round(), dtype=np.uint8)


def _scatter_stars(random: np.random.Generator, picture: Picture, count: int) -> None:
    height, width = picture.shape[:2]
    brightness = 40 + 215 * random.random(count) ** 4
    tint = random.uniform(0.75, 1, (count, 3)) * brightness[:, None]
    xs, ys = random.integers(0, width - 1, count), random.integers(0, height - 1, count)
    for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
        picture[ys + dy, xs + dx] = np.maximum(picture[ys + dy, xs + dx], tint.astype(np.uint8))


def _bright_star(picture: Picture, x: float, y: float, reach_px: float) -> None:
    for dx, dy in ((1, 0), (0, 1)):
        offset = np.array([dx, dy]) * reach_px
        start, end = np.array([x, y]) - offset, np.array([x, y]) + offset
        cv2.line(picture, start.astype(int).tolist(), end.astype(int).tolist(), (235, 215, 200), 1, cv2.LINE_AA)
    cv2.circle(picture, (int(x), int(y)), max(1, round(reach_px * 0.13)), (255, 250, 245), -1, cv2.LINE_AA)


def _row_of_towers(random: np.random.Generator, picture: Picture, nearness: float) -> None:
    """Draw one row of towers from left to right; near ones are darker, taller and have larger windows."""
    shore, width = picture.shape[:2]
    cell = round(width * (0.0048 + 0.0056 * nearness))
    x = -round(width * random.uniform(0, 0.06))
    while x < width:
        columns, rows = int(random.integers(7, 16)), int(shore * random.uniform(0.16, 0.62 - 0.16 * nearness) / cell)
        _tower(random, picture, (x, shore - rows * cell), (columns, rows), cell, nearness)
        x += columns * cell + round(cell * random.uniform(0.3, 3))


def _tower(
    random: np.random.Generator,
    picture: Picture,
    at: tuple[int, int],
    grid: tuple[int, int],
    cell: int,
    nearness: float,
) -> None:
    (x, y), (columns, rows) = at, grid
    wall = np.array([58, 40, 34]) * (1.1 - 0.75 * nearness)
    kinds = np.array([[120, 200, 255], [170, 225, 255], [225, 215, 180], [90, 150, 240]])
    lights = kinds[random.integers(0, len(kinds), (rows, columns))] * random.uniform(0.35, 1, (rows, columns, 1))
    lights = np.where(random.random((rows, columns, 1)) < random.uniform(0.18, 0.55), lights, wall * 1.5)
    block = np.broadcast_to(wall, (rows, cell, columns, cell, 3)).copy()
    gap = max(1, cell // 5)
    block[:, gap : cell - gap, :, gap : cell - gap] = lights[:, None, :, None, :]
    texture = block.reshape(rows * cell, columns * cell, 3).clip(0, 255).astype(np.uint8)
    left, right = max(0, x), min(picture.shape[1], x + columns * cell)
    if left < right:
        picture[y:, left:right] = texture[:, left - x : right - x]


def _reflection(random: np.random.Generator, above: Picture, rows: int) -> Picture:
    """Return the scene upside down in `rows` rows of rippled water."""
    width = above.shape[1]
    mirrored = cv2.GaussianBlur(above[: -round(rows * 1.6) - 1 : -1], (1, 31), 0)
    y, x = np.mgrid[0:rows, 0:width].astype(np.float32)
    depth = y / rows
    ripple = fractal_noise(random, width, rows, feature_px=width / 9, octaves=5) - 0.5
    sway = np.sin(y * (60 / rows) * (1.6 - depth) * 2 + ripple * 26) * width * 0.006 * (0.3 + depth)
    water = cv2.remap(mirrored, x + sway.astype(np.float32), y * 1.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    dimmed = cv2.merge([(0.74 - 0.42 * depth + 0.16 * ripple).astype(np.float32)] * 3)
    return cv2.multiply(water, dimmed, dtype=cv2.CV_8U).astype(np.uint8)


def _warped(field: Field, bend: Field, reach_px: float) -> Field:
    """Return the field with each point taken from elsewhere, as `bend` (0..1, any size) says."""
    height, width = field.shape
    angle = cv2.resize(bend, (width, height), interpolation=cv2.INTER_CUBIC) * (2 * np.pi)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    dx, dy = cv2.polarToCart(np.full_like(angle, reach_px), angle)
    return cv2.remap(field, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT).astype(np.float32)


def _petal(
    picture: Picture,
    at: tuple[float, float],
    size: float,
    angle_deg: float,
    colour: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    """Draw one seed: a dark rim, its body, a lighter heart."""
    for scale, light in ((1.12, 0.35), (1.0, 1.0), (0.5, 1.18)):
        fixed = (round(at[0] * 16), round(at[1] * 16))
        axes = (round(size * 1.25 * scale * 16), round(size * 0.78 * scale * 16))
        shade = tuple(min(255.0, channel * light) for channel in colour)
        cv2.ellipse(picture, fixed, axes, angle_deg, 0, 360, shade, -1, cv2.LINE_AA, shift=4)

"""Pictures of every style, made by the operation itself: docs/captions/*.jpg; python -m bench.captions.pictures."""

import argparse
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from revela.demo.scenes import canyon, dunes, mountains
from shared.captions.appearance import Style
from shared.operations.caption import Params
from tests.pictures import Pixels
from tests.worker.operations.lone_item import LoneItem
from worker.media.running import binary
from worker.operations import caption

WIDE, TALL = (1280, 720), (720, 1280)
TIMES_S = (0.5, 1.55, 3.0)
SPOKEN = "1\n00:00:00,000 --> 00:00:03,600\n{}\n"
TEXT = "{}: every word has its own time and none is ever broken"
QUALITY = 72
BLUR_PX = 3
LANGUAGES = (
    ("classic", "Olá, mundo! Ça va? Größe ✓"),
    ("karaoke", "Привет, мир! Γειά σου Κόσμε"),
    ("highlight", "مرحبا بالعالم، iPhone 15 جديد"),
    ("box", "שלום עולם, מחיר 50 שקל"),
    ("underline", "می‌خواهم کتاب‌ها را ببینم"),
    ("classic", "Emoji 😀 🎉 👨‍👩‍👧‍👦 🇧🇷 1️⃣ ♪ la la ♪"),
)
LOOKS: tuple[dict[str, Any], ...] = (
    {"style": "word", "font": {"family": "Anton", "size_percent": 8}, "letter_case": "upper",
     "position": {"safe_area": "tiktok"}},
    {"style": "pop", "font": {"family": "Bebas Neue", "size_percent": 7}, "colours": {"active": "#FF4D6D"},
     "position": {"anchor": "center"}},
    {"style": "classic", "font": {"family": "Inter", "weight": "regular", "size_percent": 3.4},
     "colours": {"background": "#000000B0"}, "edges": {"outline_percent": 0, "shadow_percent": 0},
     "position": {"safe_area": "reels"}},
    {"style": "box", "font": {"family": "Roboto", "size_percent": 4.2}, "colours": {"active": "#6C4DFF"},
     "position": {"anchor": "top", "margin_y_percent": 12}, "lines": {"max_words": 4}},
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/captions"))
    target = parser.parse_args().folder
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="revela-bench-") as name:
        folder = Path(name)
        wide, tall = _clip(folder, mountains, WIDE), _clip(folder, canyon, TALL)
        grounds = wide, _clip(folder, dunes, WIDE)
        for half, styles in (("styles-1", list(Style)[:4]), ("styles-2", list(Style)[4:])):
            rows = [
                _row(_shown(folder, wide, SPOKEN.format(TEXT.format(style)), TIMES_S, style=style)) for style in styles
            ]
            _write(target / f"{half}.jpg", np.vstack(rows), 0.75)
        lines = [
            _shown(folder, grounds[n % 2], SPOKEN.format(text), (1.8,), style=style, font={"size_percent": 8})[0][430:]
            for n, (style, text) in enumerate(LANGUAGES)
        ]
        _write(target / "languages.jpg", np.vstack([_row(lines[n : n + 2]) for n in range(0, len(lines), 2)]), 0.5)
        looks = [_shown(folder, tall, SPOKEN.format(TEXT.format(look["style"])), (1.55,), **look)[0] for look in LOOKS]
        _write(target / "looks.jpg", _row(looks), 0.45)


def _clip(folder: Path, scene: Any, size: tuple[int, int]) -> Path:
    """Return four seconds of a drawn picture."""
    picture, video = folder / f"{scene.__name__}.png", folder / f"{scene.__name__}.mp4"
    drawn = Image.fromarray(scene(np.random.default_rng(4), *size)[:, :, ::-1].copy())
    drawn.filter(ImageFilter.GaussianBlur(BLUR_PX)).save(picture)
    argv = [binary.find().path, "-v", "error", "-y", "-loop", "1", "-framerate", "10", "-i", str(picture), "-t", "4"]
    subprocess.run([*argv, "-c:v", "libx264", "-crf", "16", "-pix_fmt", "yuv420p", str(video)], check=True)
    return video


def _shown(folder: Path, video: Path, text: str, times_s: Iterable[float], **look: Any) -> list[Pixels]:
    found = []
    for at_s in times_s:
        asked = {"video": "https://example.com/v.mp4", "subtitles": text, "preview_at_s": at_s, **look}
        item = LoneItem(video, folder)
        caption.run(Params.model_validate(asked), item)
        with Image.open(item.output("preview")) as picture:
            found.append(np.asarray(picture.convert("RGB")))
    return found


def _row(pictures: list[Pixels]) -> Pixels:
    height = pictures[0].shape[0]
    cut = [picture[height // 2 :] if len(pictures) == len(TIMES_S) else picture for picture in pictures]
    return np.hstack(cut)


def _write(target: Path, pixels: Pixels, scale: float) -> None:
    picture = Image.fromarray(pixels)
    width = round(picture.width * scale)
    if width > 1280:
        scale *= 1280 / width
    size = (round(picture.width * scale), round(picture.height * scale))
    picture.resize(size, Image.Resampling.LANCZOS).save(target, quality=QUALITY, optimize=True, progressive=True)
    print(target, target.stat().st_size)


if __name__ == "__main__":
    main()

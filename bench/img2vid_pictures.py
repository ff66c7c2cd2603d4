"""Pictures that show what the documented command does to a photo and what img2vid does: docs/img2vid/*.jpg."""

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from bench.photos import rivals
from shared.media.encoding import Quality
from shared.operations.img2vid import Params
from tests.pictures import Pixels, encoded, sample
from tests.worker.media.decoding import frames
from tests.worker.operations.lone_item import LoneItem
from worker.media import encoder
from worker.operations import img2vid

SIZE = (1920, 1080)
SHOWN = (336, 189)
OPTIONS = encoder.arguments(encoder.X264, Quality.BALANCED, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/img2vid"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, width, height in (("landscape-4x3", 1600, 1200), ("portrait-3x4", 1200, 1600)):
        _compare(target_photo(width, height), folder / f"{name}.jpg")


def target_photo(width: int, height: int) -> Pixels:
    """Return a photo with a circle in its middle and a grid, so that zooms to corners and squeezed circles show."""
    pixels = sample("coffee", width, height)
    for place in range(0, max(width, height), 100):
        cv2.line(pixels, (place, 0), (place, height), (255, 255, 255), 2)
        cv2.line(pixels, (0, place), (width, place), (255, 255, 255), 2)
    cv2.circle(pixels, (width // 2, height // 2), 250, (255, 40, 40), 14, cv2.LINE_AA)
    cv2.drawMarker(pixels, (width // 2, height // 2), (255, 40, 40), cv2.MARKER_CROSS, 80, 10)
    return pixels


def _compare(pixels: Pixels, target: Path) -> None:
    """Write first and last frame of three ways, one row each, beside the photo itself."""
    with tempfile.TemporaryDirectory(prefix="revela-bench-") as name:
        folder = Path(name)
        photo = folder / "photo.jpg"
        photo.write_bytes(encoded(pixels, "JPEG"))
        rows = {}
        for centred in (False, True):
            rivals.documented(photo, folder / "video.mp4", OPTIONS, centred=centred)
            label = "documented command, zoom centred" if centred else "documented command, as written"
            rows[label] = _ends(folder / "video.mp4")
        for fit in ("cover", "contain"):
            params = Params.model_validate({"image": "https://photos.example/a.jpg", "fit": fit})
            img2vid.render(params, LoneItem(photo, folder), OPTIONS)
            rows[f"img2vid, {fit}"] = _ends(folder / "video.mp4")
    _sheet(pixels, rows).save(target, quality=62, optimize=True)


def _ends(video: Path) -> tuple[Image.Image, Image.Image]:
    made = frames(video, *SIZE)
    first, last = (Image.fromarray(np.asarray(made[index])).resize(SHOWN) for index in (0, -1))
    return first, last


def _sheet(pixels: Pixels, rows: dict[str, tuple[Image.Image, Image.Image]]) -> Image.Image:
    photo = Image.fromarray(pixels)
    photo.thumbnail((SHOWN[0], SHOWN[1] * 2))
    left, line = photo.width + 20, SHOWN[1] + 24
    sheet = Image.new("RGB", (left + 2 * SHOWN[0] + 10, len(rows) * line), "white")
    write = ImageDraw.Draw(sheet)
    write.text((4, 4), "the photo", fill="black")
    sheet.paste(photo, (0, 20))
    for number, (label, (first, last)) in enumerate(rows.items()):
        write.text((left, number * line + 4), f"{label}: first and last frame", fill="black")
        sheet.paste(first, (left, number * line + 20))
        sheet.paste(last, (left + SHOWN[0] + 10, number * line + 20))
    return sheet


if __name__ == "__main__":
    main()

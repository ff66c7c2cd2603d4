"""The demo's batch: one item per photo, each with another motion of the camera."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from revela.client.downloads.file_names import distinct_names
from revela.failures import UsageFault
from shared.errors import JobError

_MOTIONS: tuple[dict[str, Any], ...] = (
    {"motion": "zoom_in", "focus": {"x": 0.62, "y": 0.3}},
    {"motion": "pan_up", "zoom": 1.1},
    {"motion": "zoom_out"},
    {"motion": "pan_right"},
    {"motion": "zoom_in", "zoom": 2},
    {"motion": "pan_left"},
)


@dataclass(frozen=True, slots=True)
class Size:
    """How large the demo is: the videos' shape and length, and the pictures it draws."""

    width: int
    height: int
    duration_s: float
    picture_pixels: int
    pictures: int


FULL = Size(width=1920, height=1080, duration_s=5, picture_pixels=12_000_000, pictures=6)
QUICK = Size(width=640, height=360, duration_s=1, picture_pixels=750_000, pictures=3)


def readable_photos(paths: Sequence[Path]) -> list[Path]:
    """Return the photos' absolute paths; UsageFault names the first that can't be read as a picture."""
    from worker.media.still import images

    for path in paths:
        if not path.is_file():
            raise UsageFault(f"{path}: there is no such file")
        try:
            with images.opened(path):
                pass
        except OSError as failed:
            raise UsageFault(f"{path}: {failed.strerror}") from failed
        except JobError as failed:
            raise UsageFault(f"{path}: {failed.detail}") from failed
    return [path.resolve() for path in paths]


def batch_request(photos: Sequence[Path], urls: Sequence[str], size: Size) -> dict[str, Any]:
    """Return the body of ``POST /v1/jobs`` for the photos that are served at `urls`."""
    items = [
        {"id": name, "image": url, **_MOTIONS[n % len(_MOTIONS)]}
        for n, (name, url) in enumerate(
            zip(distinct_names((photo.stem for photo in photos), "photo"), urls, strict=True)
        )
    ]
    defaults = {"width": size.width, "height": size.height, "duration_s": size.duration_s}
    return {"operation": "img2vid", "items": items, "defaults": defaults, "labels": {"made-by": "revela demo"}}

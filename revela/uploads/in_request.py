"""Files of this machine among the pictures of a job: uploaded, and named as uploads."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from revela.client.blocking import Client
from revela.failures import UsageFault
from revela.uploads.bar import upload_bars
from revela.uploads.kept import going_on_later


def is_local(image: str) -> bool:
    """Whether a text names a file here: it has no scheme."""
    return "://" not in image


def with_uploads(client: Client, request: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Return the request with an upload in the place of each file here, each sent once; UsageFault."""
    files = {item["image"]: Path(item["image"]) for item in request["items"] if is_local(item["image"])}
    for image, path in files.items():
        if path.is_dir():
            raise UsageFault(f"--image {image}: is a directory")
        if not path.is_file():
            raise UsageFault(f"--image {image}: there is no such file, and it is no address")
    if not files:
        return request
    with upload_bars(quiet=quiet) as bars, going_on_later(bars):
        media = {image: client.upload(path, on_progress=bars.of(path.name)).media for image, path in files.items()}
    items = [{**item, "image": media.get(item["image"], item["image"])} for item in request["items"]]
    return {**request, "items": items}


def refuse_local_files(images: Iterable[str]) -> None:
    """Raise UsageFault for a file here, which could only be looked at once it was uploaded."""
    if local := [image for image in images if is_local(image)]:
        raise UsageFault(f"--dry-run uploads nothing; upload {local[0]} first, and name it as upload://ID")

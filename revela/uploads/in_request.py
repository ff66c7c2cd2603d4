"""Files of this machine among the pictures of a job: uploaded, and named as uploads."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from revela.client.blocking import Client
from revela.client.errors import ValidationFailed
from revela.failures import UsageFault
from revela.uploads.bar import upload_bars
from revela.uploads.kept import going_on_later

_YET_TO_COME = "upload://upl_00000000000000000000000000"


def is_local(image: str) -> bool:
    """Whether a text names a file here: it has no scheme."""
    return "://" not in image


def check_before_uploading(client: Client, request: dict[str, Any]) -> None:
    """Let the server look at a request whose files are yet to be sent; ValidationFailed, without what is due to them.

    They stand in it as an upload that nobody has, of which the server speaks only where nothing else is wrong.
    """
    if not any(is_local(item["image"]) for item in request["items"]):
        return
    items = [{**item, "image": _YET_TO_COME} if is_local(item["image"]) else item for item in request["items"]]
    try:
        client.plan({**request, "items": items})
    except ValidationFailed as refused:
        if not refused.errors:
            raise
        faults = [fault for fault in refused.errors if _YET_TO_COME not in fault.detail]
        if faults:
            raise ValidationFailed(refused.problem.model_copy(update={"errors": faults})) from refused


def with_uploads(client: Client, request: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Return the request with an upload in the place of each file here, each sent once.

    UsageFault; ValidationFailed for what would be refused with any file, before one is sent.
    """
    files = {item["image"]: Path(item["image"]) for item in request["items"] if is_local(item["image"])}
    for image, path in files.items():
        if path.is_dir():
            raise UsageFault(f"--image {image}: is a directory")
        if not path.is_file():
            raise UsageFault(f"--image {image}: there is no such file, and it is no address")
    if not files:
        return request
    check_before_uploading(client, request)
    with upload_bars(quiet=quiet) as bars, going_on_later(bars):
        media = {image: client.upload(path, on_progress=bars.of(path.name)).media for image, path in files.items()}
    items = [{**item, "image": media.get(item["image"], item["image"])} for item in request["items"]]
    return {**request, "items": items}


def refuse_local_files(images: Iterable[str]) -> None:
    """Raise UsageFault for a file here, which could only be looked at once it was uploaded."""
    if local := [image for image in images if is_local(image)]:
        raise UsageFault(f"--dry-run uploads nothing; upload {local[0]} first, and name it as upload://ID")

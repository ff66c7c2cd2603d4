"""Files of this machine among the inputs of a job: uploaded, and named as uploads."""

from collections.abc import Mapping
from pathlib import Path

from revela.client.blocking import Client
from revela.client.errors import ValidationFailed
from revela.failures import UsageFault
from revela.jobs.asked.typed import words_of
from revela.uploads.bar import upload_bars
from revela.uploads.in_schema import Json, Place, texts_in, with_places_replaced
from revela.uploads.kept import going_on_later
from revela.uploads.local_file import check_sendable, is_local, local_path

_YET_TO_COME = "upload://upl_00000000000000000000000000"


def with_uploads(client: Client, request: Json, *, quiet: bool, from_images: bool = False) -> Json:
    """Return the request with an upload in the place of each file here, each sent once.

    UsageFault; ValidationFailed for what would be refused with any file, before one is sent.
    """
    schema = _schema(client, request)
    files = _local_files(request, schema, from_images=from_images)
    if not files:
        return request
    _check_before_uploading(client, _with(request, schema, dict.fromkeys(files, _YET_TO_COME)))
    with upload_bars(quiet=quiet) as bars, going_on_later(bars):
        media = {path: client.upload(path, on_progress=bars.of(path.name)).media for path in files.values()}
    return _with(request, schema, {text: media[path] for text, path in files.items()})


def refuse_local_files(client: Client, request: Json, *, from_images: bool) -> None:
    """Raise UsageFault for a file here, which could only be looked at once it was uploaded."""
    files = _local_files(request, _schema(client, request), from_images=from_images)
    for path in files.values():
        refuse_unsent(path)


def refuse_unsent(path: Path | str) -> None:
    """Raise UsageFault for a file that a dry run would have to send."""
    raise UsageFault(f"--dry-run uploads nothing; upload {path} first, and name it as upload://ID")


def _schema(client: Client, request: Json) -> Json:
    """Return the schema of an item of the request; empty where it can name no file, or its operation is not known."""
    named = [request.get(part) for part in ("input", "defaults", "items")]
    if not any(map(is_local, texts_in(named))):
        return {}
    operations = {operation["name"]: operation for operation in client.operations()}
    return dict(operations.get(request["operation"], {}).get("params", {}))


def _local_files(request: Json, schema: Json, *, from_images: bool) -> dict[str, Path]:
    """Return the files here that a request names, by the text; UsageFault for one that can't be sent."""
    files: dict[str, Path] = {}

    def look(place: Place) -> str:
        path = local_path(place)
        if path is not None:
            check_sendable(path, place.field, words_of(place.pointer, request, from_images=from_images))
            files[place.text] = path
        return place.text

    with_places_replaced(request, schema, look)
    return files


def _with(request: Json, schema: Json, media: Mapping[str, str]) -> Json:
    return with_places_replaced(request, schema, lambda place: media.get(place.text, place.text))


def _check_before_uploading(client: Client, request: Json) -> None:
    """Let the server look at a request whose files are yet to be sent; ValidationFailed, without what is due to them.

    They stand in it as an upload that nobody has, of which the server speaks only where nothing else is wrong.
    """
    try:
        client.plan(request)
    except ValidationFailed as refused:
        if not refused.errors:
            raise
        faults = [fault for fault in refused.errors if _YET_TO_COME not in fault.detail]
        if faults:
            raise ValidationFailed(refused.problem.model_copy(update={"errors": faults})) from refused

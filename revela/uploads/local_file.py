"""Files of this machine as they are typed: `@PATH`, or a path where only a file can stand."""

from pathlib import Path

from revela.client.errors import InvalidArgument
from revela.client.uploads.source import SourceFile
from revela.failures import UsageFault
from revela.uploads.in_schema import Holds, Place
from shared.uploads.media_types import of_file

_POSSIBLE = "name a file here, an https:// address, upload://ID or output://JOB/ITEM/SLOT"
_SIGNS_OF_TEXT = ("\n", "-->", "[", "{")
"""One of them stands in whatever is content, not the name of a file."""
_TAKEN = {
    "image": ("image",),
    "video": ("video", "image"),
    "audio": ("audio", "video"),
    "media": ("audio", "video", "image"),
    "subtitles": ("text", "application"),
}
"""The kinds of file, by the name of the field, that are not plainly wrong. An animated picture may be a video."""


def is_local(text: str) -> bool:
    """Whether a text names a file here, where only a file can stand: it has no scheme."""
    return text.startswith("@") or (bool(text) and "://" not in text)


def local_path(place: Place) -> Path | None:
    """Return the file of this machine that a place names, whether it is there or not; None for what names none."""
    if not is_local(place.text):
        return None
    path = _path(place.text)
    is_text = place.holds is Holds.FILE_OR_TEXT and any(sign in place.text for sign in _SIGNS_OF_TEXT)
    return None if is_text and ("\n" in place.text or not _is_file(path)) else path


def check_sendable(path: Path, field: str, typed: str) -> None:
    """Raise UsageFault for what is no file, none that is taken, or plainly none for the field.

    `typed` says where it was named.
    """
    if path.is_dir():
        raise UsageFault(f"{typed}: {path} is a directory")
    if not _is_file(path):
        raise UsageFault(f"{typed}: there is no file {path} here; {_POSSIBLE}")
    known, taken = of_file(path.name), _TAKEN.get(field)
    if known is not None and taken is not None and known.partition("/")[0] not in taken:
        raise UsageFault(f"{typed}: {path} is {known}, which {field} does not take")
    try:
        SourceFile.of(path)
    except InvalidArgument as wrong:
        raise UsageFault(f"{typed}: {wrong.detail}") from wrong


def check_picture(image: str) -> None:
    """Raise UsageFault for a picture of --image that is to be sent and can't be."""
    if is_local(image):
        check_sendable(_path(image), "image", f"--image {image}")


def _path(text: str) -> Path:
    named = text.removeprefix("@")
    return Path(named).expanduser() if named.startswith("~/") else Path(named)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name longer than can be, or with a NUL
        return False

"""From bytes to text: which encoding subtitles are in is never declared, so it is settled by rule."""

import codecs

from shared.captions.syntax import MAX_BYTES
from shared.errors import MediaEmpty, SubtitleLimits

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LAST = "cp1252"
_MOSTLY = 0.8


def decoded(content: bytes) -> tuple[str, str]:
    """Return the text and its encoding: what a byte order mark says, else UTF-8, else Windows-1252.

    Without a mark, UTF-16 is known by its NULs. What can't be decoded is shown as U+FFFD. MediaEmpty, SubtitleLimits.
    """
    if not content:
        raise MediaEmpty
    if len(content) > MAX_BYTES:
        raise SubtitleLimits(f"Subtitles have at most {MAX_BYTES >> 20} MiB.")
    encoding, skipped = _encoding(content)
    return content[skipped:].decode(encoding, errors="replace"), encoding


def _encoding(content: bytes) -> tuple[str, int]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding, len(mark)
    if (wide := _unmarked_utf16(content)) is not None:
        return wide, 0
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return _LAST, 0
    return "utf-8", 0


def _unmarked_utf16(content: bytes) -> str | None:
    """Tell UTF-16 of mostly Latin text by every other byte being NUL."""
    pairs = len(content) // 2
    if pairs and content[1::2].count(0) > _MOSTLY * pairs:
        return "utf-16-le"
    if pairs and content[0 : 2 * pairs : 2].count(0) > _MOSTLY * pairs:
        return "utf-16-be"
    return None

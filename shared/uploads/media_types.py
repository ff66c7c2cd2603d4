"""The types of file that may be uploaded, and how their first bytes look."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

HEAD_BYTES = 4096
"""So much of a file is looked at."""

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_OLD_QUICKTIME = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_MATROSKA = b"\x1a\x45\xdf\xa3"
_SUBRIP = re.compile(r"\d{1,2}:\d\d:\d\d[,.]\d{1,3}\s*-->\s*\d{1,2}:\d\d:\d\d[,.]\d{1,3}")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A type by its IANA or usual name, the suffixes of its files, and whether a file's first bytes are of it."""

    name: str
    suffixes: tuple[str, ...]
    begins: Callable[[bytes], bool]


def of_file(name: str) -> str | None:
    """Return the type that a file's name stands for; None for one that is not taken."""
    suffix = PurePath(name).suffix.lower()
    return next((known.name for known in MEDIA_TYPES.values() if suffix in known.suffixes), None)


def fits(content_type: str, head: bytes) -> bool:
    """Whether a file that begins with `head` may be of a known type."""
    return MEDIA_TYPES[content_type].begins(head)


def _starts(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _riff(form: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] == b"RIFF" and head[8:12] == form


def _brand(head: bytes) -> bytes | None:
    return head[8:12] if head[4:8] == b"ftyp" else None


def _of_brand(*brands: bytes) -> Callable[[bytes], bool]:
    return lambda head: _brand(head) in brands


def _mp4(head: bytes) -> bool:
    brand = _brand(head)
    return brand is not None and brand not in (*_HEIF_BRANDS, *_AVIF_BRANDS)


def _quicktime(head: bytes) -> bool:
    return _mp4(head) or head[4:8] in _OLD_QUICKTIME


def _transport_stream(head: bytes) -> bool:
    return head[:1] == head[188:189] == b"\x47"


def _mpeg_audio(head: bytes) -> bool:
    """MPEG audio: an ID3 tag, or a frame's sync word with a layer in it (ISO 11172-3 §2.4.2.3)."""
    return head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0" and bool(head[1] & 0x06))


def _adts(head: bytes) -> bool:
    return head[:3] == b"ID3" or (head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xF6 == 0xF0)


def _subrip(head: bytes) -> bool:
    return bool(_SUBRIP.search(_text(head)))


def _webvtt(head: bytes) -> bool:
    return _text(head).startswith("WEBVTT")


def _substation(head: bytes) -> bool:
    return _text(head).lstrip().startswith("[Script Info]")


def _json(head: bytes) -> bool:
    return _text(head).lstrip()[:1] in ("[", "{")


def _text(head: bytes) -> str:
    """Return the beginning of a text; empty for what is none."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", errors="ignore")
    text = head.decode("utf-8-sig", errors="replace")
    return "" if "\0" in text else text


_TYPES = (
    MediaType("image/jpeg", (".jpg", ".jpeg"), _starts(b"\xff\xd8\xff")),
    MediaType("image/png", (".png",), _starts(b"\x89PNG\r\n\x1a\n")),
    MediaType("image/webp", (".webp",), _riff(b"WEBP")),
    MediaType("image/heic", (".heic",), _of_brand(*_HEIF_BRANDS)),
    MediaType("image/heif", (".heif",), _of_brand(*_HEIF_BRANDS)),
    MediaType("image/avif", (".avif",), _of_brand(*_AVIF_BRANDS)),
    MediaType("image/tiff", (".tif", ".tiff"), _starts(b"II*\0", b"MM\0*")),
    MediaType("image/bmp", (".bmp",), _starts(b"BM")),
    MediaType("image/gif", (".gif",), _starts(b"GIF87a", b"GIF89a")),
    MediaType("video/mp4", (".mp4", ".m4v"), _mp4),
    MediaType("video/quicktime", (".mov",), _quicktime),
    MediaType("video/webm", (".webm",), _starts(_MATROSKA)),
    MediaType("video/x-matroska", (".mkv",), _starts(_MATROSKA)),
    MediaType("video/x-msvideo", (".avi",), _riff(b"AVI ")),
    MediaType("video/mp2t", (".ts", ".mts"), _transport_stream),
    MediaType("audio/mpeg", (".mp3",), _mpeg_audio),
    MediaType("audio/mp4", (".m4a",), _mp4),
    MediaType("audio/aac", (".aac",), _adts),
    MediaType("audio/flac", (".flac",), _starts(b"fLaC")),
    MediaType("audio/ogg", (".ogg", ".oga", ".opus"), _starts(b"OggS")),
    MediaType("audio/wav", (".wav",), _riff(b"WAVE")),
    MediaType("application/x-subrip", (".srt",), _subrip),
    MediaType("text/vtt", (".vtt",), _webvtt),
    MediaType("text/x-ssa", (".ass", ".ssa"), _substation),
    MediaType("application/json", (".json",), _json),
)
MEDIA_TYPES = {known.name: known for known in _TYPES}
"""What is taken, by name."""

"""Which demuxer a file is for, by its first bytes alone; its name is not believed."""

from collections.abc import Callable
from pathlib import Path

from shared.errors import MediaEmpty, MediaFormat
from shared.uploads.media_types import HEAD_BYTES, MEDIA_TYPES

_ID3_BYTES = 10
_MOST_TAGS = 4
"""Programs add a tag of their own before another's."""


def _of(name: str) -> Callable[[bytes], bool]:
    return MEDIA_TYPES[name].begins


def _m2ts(head: bytes) -> bool:
    """Blu-ray's and cameras' transport stream: four bytes before each packet."""
    return head[4:5] == head[196:197] == head[388:389] == b"\x47"


_DEMUXERS: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("mov", _of("video/quicktime")),
    ("matroska", _of("video/webm")),
    ("avi", _of("video/x-msvideo")),
    ("wav", _of("audio/wav")),
    ("wav", lambda head: head[:4] in (b"RF64", b"BW64") and head[8:12] == b"WAVE"),
    ("flac", _of("audio/flac")),
    ("ogg", _of("audio/ogg")),
    ("flv", lambda head: head.startswith(b"FLV\x01")),
    ("mpeg", lambda head: head.startswith(b"\x00\x00\x01\xba")),
    ("aiff", lambda head: head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")),
    ("mpegts", lambda head: _of("video/mp2t")(head) or _m2ts(head)),
    ("aac", lambda head: head[:3] != b"ID3" and _of("audio/aac")(head)),
    ("mp3", lambda head: head[:3] != b"ID3" and _of("audio/mpeg")(head)),
)
"""Tried in this order: AAC's frames look like MPEG audio of a layer that there is not."""


def demuxer(path: Path) -> str:
    """Return FFmpeg's name of the demuxer for the file; MediaEmpty, MediaFormat."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if not head:
            raise MediaEmpty
        behind = 0
        for _ in range(_MOST_TAGS):
            if head[:3] != b"ID3":
                break
            behind += _tag_bytes(head)
            file.seek(behind)
            head = file.read(HEAD_BYTES)
    if behind:  # encoders leave room behind their tags
        head = head.lstrip(b"\0") or head
    for name, begins in _DEMUXERS:
        if begins(head):
            return name
    raise MediaFormat("The file is no video or audio that is read here; MP4, MOV, MKV, WebM, AVI, TS, MP3, WAV … are.")


def _tag_bytes(head: bytes) -> int:
    """Return where the sound begins behind an ID3v2 tag, whose size has seven bits to a byte (ID3v2.4 §3.1)."""
    size = 0
    for byte in head[6:_ID3_BYTES]:
        size = size << 7 | byte & 0x7F
    return _ID3_BYTES + size

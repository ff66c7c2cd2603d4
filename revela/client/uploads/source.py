"""A file that is to be sent, as it was when it was first looked at."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from revela.client.errors import InvalidArgument
from shared.uploads.media_types import HEAD_BYTES, MEDIA_TYPES, fits, of_file
from shared.uploads.upload import UploadRequest

PIECE_BYTES = 256 << 10
"""So much of a file is in memory at once, for each part that is on its way."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file by its place, its size and the time of its last change."""

    path: Path
    content_type: str
    size_bytes: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path, content_type: str | None = None) -> "SourceFile":
        """Look at a file and its first bytes; its name's end says its type where that is None.

        InvalidArgument, OSError.
        """
        if path.is_dir():
            raise InvalidArgument(f"{path}: is a directory")
        if not path.is_file():
            raise InvalidArgument(f"{path}: there is no such file")
        known = content_type if content_type is not None else of_file(path.name)
        if content_type is not None and known not in MEDIA_TYPES:
            raise InvalidArgument(f"{content_type} is no type that is taken; these are: {', '.join(MEDIA_TYPES)}")
        if known is None:
            raise InvalidArgument(
                f"{path}: its name does not say what it is; name its type (revela upload --type, or content_type), "
                f"or give it one of these endings: {', '.join(media.suffixes[0] for media in MEDIA_TYPES.values())}"
            )
        found = path.stat()
        if found.st_size == 0:
            raise InvalidArgument(f"{path}: the file is empty")
        with path.open("rb") as file:
            if not fits(known, file.read(HEAD_BYTES)):
                raise InvalidArgument(f"{path}: the file does not look like {known}")
        return cls(path.resolve(), known, found.st_size, found.st_mtime_ns)

    def request(self, sha256: str) -> UploadRequest:
        """Return what the server is asked for."""
        printable = "".join(letter if letter.isprintable() else "-" for letter in self.path.name)
        return UploadRequest(
            name=printable[-255:], size_bytes=self.size_bytes, content_type=self.content_type, sha256=sha256
        )

    def sha256(self, on_bytes: Callable[[int], object]) -> str:
        """Read the file and return its SHA-256 in hex; `on_bytes` is told how much was read."""
        digest, done = hashlib.sha256(), 0
        for piece in self.pieces(0, self.size_bytes):
            digest.update(piece)
            done += len(piece)
            on_bytes(done)
        return digest.hexdigest()

    def pieces(self, start: int, size_bytes: int) -> Iterator[bytes]:
        """Yield a part of the file; InvalidArgument if it is another file by now."""
        self.check_unchanged()
        with self.path.open("rb", buffering=0) as file:
            file.seek(start)
            while size_bytes > 0:
                piece = file.read(min(PIECE_BYTES, size_bytes))
                if not piece:
                    raise self._changed()
                size_bytes -= len(piece)
                yield piece

    def check_unchanged(self) -> None:
        """Raise InvalidArgument if the file is another one by now."""
        found = self.path.stat()
        if (found.st_size, found.st_mtime_ns) != (self.size_bytes, self.changed_ns):
            raise self._changed()

    def _changed(self) -> InvalidArgument:
        return InvalidArgument(f"{self.path}: the file was changed while it was uploaded; upload it again")

"""Files that appear whole and stay: written aside, brought to disk, then renamed into place."""

import contextlib
import errno
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.errors import StorageFull, StorageUnavailable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Draft:
    """A file that is being written. Any thread may call; `discard` from another one waits for a write in hand."""

    def __init__(self, path: Path) -> None:
        """Create the file, which must not exist."""
        self.path = path
        self._lock = threading.Lock()
        self._file: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)

    def write(self, chunks: Sequence[bytes]) -> None:
        """Append."""
        left = memoryview(b"".join(chunks))
        with self._lock:
            while left:
                left = left[os.write(self._open_file(), left) :]

    def publish(self, target: Path) -> str:
        """Make it `target`, in place of what may be there, on disk for good before this returns its ETag."""
        with self._lock:
            file = self._open_file()
            publish(file, self.path, target)
            return etag_of(os.fstat(file))

    def discard(self) -> None:
        """Close; remove the file unless it was published."""
        with self._lock:
            if self._file is None:
                return
            os.close(self._file)
            self._file = None
            self.path.unlink(missing_ok=True)

    def _open_file(self) -> int:
        if self._file is None:
            raise FileNotFoundError(errno.ENOENT, "the draft was discarded")
        return self._file


def publish(file: int, path: Path, target: Path) -> None:
    """Give the open file at `path` the name `target`, durably, and a time that no other version of it has."""
    now_ns = time.time_ns()
    os.utime(file, ns=(now_ns, now_ns))
    os.fsync(file)
    make_folder(target.parent)
    path.replace(target)
    sync_folder(target.parent)


def etag_of(found: os.stat_result) -> str:
    """Return what differs between two versions of a published file."""
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each durably."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Bring to disk which files are in a folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Turn the system's errors into ours."""
    try:
        yield
    except OSError as failed:
        raise (StorageFull if failed.errno in _FULL else StorageUnavailable) from failed

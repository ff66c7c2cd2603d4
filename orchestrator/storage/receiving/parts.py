"""Files that come in parts, on disk: one file each, in which every part is written at its place, so that none is
copied in the end."""

import contextlib
import hashlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from orchestrator.storage.port import StoredPart
from orchestrator.storage.receiving.durable import publish, sync_folder
from shared.refusals import NotFound, UploadChanged

STALE_S = 8 * 86_400.0
"""Longer than an upload may wait: what has not grown for so long was forgotten."""

_WHOLE = "whole"


class PartDraft:
    """A part that is being written; a later sending of the same part takes its place. Any thread may call."""

    def __init__(self, assembly: "_Assembly", n: int, size_bytes: int) -> None:
        self._assembly = assembly
        self._n = n
        self._size_bytes = size_bytes
        self._offset = (n - 1) * assembly.part_bytes
        self._digest = hashlib.md5(usedforsecurity=False)
        self._file: int | None = os.open(assembly.folder / _WHOLE, os.O_WRONLY | os.O_CLOEXEC)

    def write(self, chunks: Sequence[bytes]) -> None:
        """Append; UploadChanged once this draft is no longer the one that counts."""
        joined = b"".join(chunks)
        self._digest.update(joined)
        left = memoryview(joined)
        with self._assembly.lock:
            file = self._checked_file()
            while left:
                written = os.pwrite(file, left, self._offset)
                self._offset += written
                left = left[written:]

    def publish(self) -> str:
        """Mark the part as arrived, durably; return its ETag."""
        os.fsync(self._checked_file())  # outside the lock: it may take long, and others are writing
        with self._assembly.lock:
            self._checked_file()
            etag = self._digest.hexdigest()
            self._assembly.mark(StoredPart(self._n, etag, self._size_bytes))
            return etag

    def discard(self) -> None:
        """Let go; what was not published does not count."""
        with self._assembly.lock:
            self._assembly.forget(self._n, self)
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _checked_file(self) -> int:
        if self._file is None or not self._assembly.expects(self._n, self):
            raise UploadChanged("This part is being sent anew, or the upload has ended.")
        return self._file


class _Assembly:
    """The parts of one file, and who writes them at present. Its marks (`N.ETAG.SIZE`) say what has arrived."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.part_bytes = int(folder.name.partition("-")[2])
        self.lock = threading.Lock()
        self._writers: dict[int, PartDraft] = {}

    def draft(self, n: int, size_bytes: int) -> PartDraft:
        """Begin a part anew; its place is about to be overwritten, so what was there counts no longer."""
        with self.lock:
            if not (self.folder / _WHOLE).is_file():
                raise NotFound
            stale = list(self.folder.glob(f"{n}.*"))
            for mark in stale:
                mark.unlink()
            if stale:
                sync_folder(self.folder)
            self._writers[n] = draft = PartDraft(self, n, size_bytes)
            return draft

    def expects(self, n: int, draft: PartDraft) -> bool:
        """Whether `draft` is the newest of its part."""
        return self._writers.get(n) is draft

    def forget(self, n: int, draft: PartDraft) -> None:
        """Expect no more of `draft`."""
        if self.expects(n, draft):
            del self._writers[n]

    def mark(self, part: StoredPart) -> None:
        """Keep that a part has arrived."""
        (self.folder / f"{part.n}.{part.etag}.{part.size_bytes}").touch()
        sync_folder(self.folder)

    def stored(self) -> list[StoredPart] | None:
        """Return the parts that have arrived, in order; None where the file is whole or was dropped."""
        if not (self.folder / _WHOLE).is_file():
            return None
        marks = (entry.name.split(".") for entry in self.folder.iterdir() if entry.name != _WHOLE)
        return sorted((StoredPart(int(n), etag, int(size)) for n, etag, size in marks), key=lambda part: part.n)

    def complete(self, parts: Sequence[StoredPart], target: Path) -> None:
        """Make the file `target`; nobody writes to it any more."""
        with self.lock:
            stored = self.stored()
            if stored is None:
                return
            if stored != list(parts):
                raise UploadChanged("Parts were sent anew while the upload was completed.")
            self._writers.clear()
            whole = self.folder / _WHOLE
            file = os.open(whole, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.truncate(file, sum(part.size_bytes for part in parts))
                publish(file, whole, target)
            finally:
                os.close(file)

    def close(self) -> None:
        """Drop it all."""
        with self.lock:
            self._writers.clear()
            shutil.rmtree(self.folder, ignore_errors=True)


class PartsFolder:
    """Where files in parts lie until they are whole. What is here survives a restart; `OSError` is left to pass."""

    def __init__(self, folder: Path) -> None:
        """Make the folder."""
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._assemblies: dict[str, _Assembly] = {}
        self._lock = threading.Lock()

    def sweep(self) -> int:
        """Drop what nobody has sent anything of for days; return how many files that were."""
        swept = 0
        for left in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > STALE_S:
                    shutil.rmtree(left, ignore_errors=True)
                    swept += 1
        return swept

    def begin(self, part_bytes: int) -> str:
        """Begin a file; return its multipart id."""
        multipart_id = f"{secrets.token_hex(16)}-{part_bytes}"
        folder = self._folder / multipart_id
        folder.mkdir()
        (folder / _WHOLE).touch(mode=0o640)
        sync_folder(folder)
        sync_folder(self._folder)
        return multipart_id

    def draft(self, multipart_id: str, n: int, size_bytes: int) -> PartDraft:
        """Begin part `n`; NotFound if nothing is begun under that id (any more)."""
        return self._assembly(multipart_id).draft(n, size_bytes)

    def stored(self, multipart_id: str) -> list[StoredPart] | None:
        """Return the parts that have arrived; None if nothing is begun under that id (any more)."""
        return self._assembly(multipart_id).stored()

    def complete(self, multipart_id: str, parts: Sequence[StoredPart], target: Path) -> None:
        """Make `target` of these parts; UploadChanged if they are others by now."""
        self._assembly(multipart_id).complete(parts, target)
        self.abort(multipart_id)

    def abort(self, multipart_id: str) -> None:
        """Drop what has arrived."""
        self._assembly(multipart_id).close()
        with self._lock:
            self._assemblies.pop(multipart_id, None)

    def _assembly(self, multipart_id: str) -> _Assembly:
        with self._lock:
            known = self._assemblies.get(multipart_id)
            if known is None:
                known = self._assemblies[multipart_id] = _Assembly(self._folder / multipart_id)
            return known

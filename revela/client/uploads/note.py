"""What is kept of an upload between two runs: a small file in the user's cache."""

import contextlib
import hashlib
import json
import os
import secrets
import time
from pathlib import Path

from revela.client.uploads.source import SourceFile

STALE_S = 8 * 86_400.0
"""Longer than a server lets an upload wait."""


class UploadNote:
    """The hash of one file as it was, and the upload that was begun for it at one server.

    Nothing is lost but time where it can't be kept.
    """

    def __init__(self, server_url: str, source: SourceFile) -> None:
        """Read what an earlier run has left."""
        name = json.dumps([server_url, str(source.path), source.size_bytes, source.changed_ns, source.content_type])
        self._path = cache_folder() / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"
        self.upload_id: str | None = None
        self.sha256: str | None = None
        with contextlib.suppress(OSError, ValueError, AttributeError):
            kept = json.loads(self._path.read_text())
            self.upload_id, self.sha256 = kept.get("upload_id"), kept.get("sha256")

    def keep(self, *, sha256: str, upload_id: str | None) -> None:
        """Keep what is known now."""
        self.upload_id, self.sha256 = upload_id, sha256
        fresh = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.write_text(json.dumps({"upload_id": upload_id, "sha256": sha256}))
            fresh.replace(self._path)
            _drop_stale(self._path.parent)

    def drop(self) -> None:
        """Forget it."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Return where notes lie (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "revela" / "uploads"


def _drop_stale(folder: Path) -> None:
    for left in folder.iterdir():
        if time.time() - left.stat().st_mtime > STALE_S:
            left.unlink(missing_ok=True)

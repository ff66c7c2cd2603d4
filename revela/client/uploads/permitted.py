"""Whether a server would take a file at all, asked before a large one is read for its hash."""

from http import HTTPStatus

from revela.client.errors import InvalidArgument, PermissionDenied
from revela.client.uploads.source import SourceFile
from shared.uploads.sizes import human_size
from shared.wire.access.key import KeyView
from shared.wire.problem import Problem

ASK_FIRST_BYTES = 32 << 20
"""Smaller files are read in a moment; of them the beginning of the upload tells the same."""

_SCOPES = {"jobs:write", "admin"}


def check_permitted(source: SourceFile, key: KeyView) -> None:
    """Raise InvalidArgument for a file larger than the server takes, PermissionDenied for a key that can't upload."""
    if not _SCOPES & set(key.scopes):
        status, detail = HTTPStatus.FORBIDDEN, "this key lacks the scope jobs:write"
        raise PermissionDenied(Problem(title=status.phrase, status=status, detail=detail, code="forbidden"))
    if source.size_bytes > key.limits.upload_bytes:
        size, most = human_size(source.size_bytes), human_size(key.limits.upload_bytes)
        raise InvalidArgument(f"{source.path}: the file has {size}, and the server takes {most} at most")

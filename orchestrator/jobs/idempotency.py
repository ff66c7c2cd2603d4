"""Idempotency-Key: the same key and body give the same job, however often they come.

After draft-ietf-httpapi-idempotency-key-header-07, whose key is a structured-field string; a bare one is taken too.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from shared.refusals import IdempotencyKeyInvalid

_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_ESCAPED = re.compile(r"\\([\"\\])")
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """What a request says of itself: its key, and what it asked for."""

    key: str
    fingerprint: bytes
    """SHA-256 of the address and the canonical body."""

    @classmethod
    def of(cls, key: str, address: str, body: Any) -> "IdempotencyClaim":
        """Return the claim of a request to `address`; the order of names and spaces in `body` make no difference."""
        canonical = json.dumps([address, body], sort_keys=True, separators=(",", ":"))
        return cls(key, hashlib.sha256(canonical.encode()).digest())


def parse_key(header: str | None) -> str | None:
    """Return the key in an Idempotency-Key header, None without one; IdempotencyKeyInvalid."""
    if header is None:
        return None
    quoted = _QUOTED.fullmatch(header)
    key = _ESCAPED.sub(r"\1", quoted[1]) if quoted else header
    if not _PRINTABLE.fullmatch(key):
        raise IdempotencyKeyInvalid
    return key

"""Tokens that only this server can make: HMAC-SHA256 over a purpose and a payload."""

import base64
import binascii
import functools
import hashlib
import hmac
from dataclasses import dataclass

from shared.refusals import LinkInvalid


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


@functools.lru_cache(maxsize=64)
def _purpose_key(secret: bytes, purpose: str) -> bytes:
    """Return the key of one purpose; kept, since a page of items has a thousand links to sign."""
    return hmac.digest(secret, purpose.encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """Signs with one server secret; every purpose has a key of its own, so no token fits another lock."""

    secret: bytes

    def _mac(self, purpose: str, payload: bytes) -> bytes:
        return hmac.digest(_purpose_key(self.secret, purpose), payload, hashlib.sha256)[:16]

    def seal(self, purpose: str, payload: str) -> str:
        """Return a URL-safe token that carries `payload` in the clear and can't be altered."""
        raw = payload.encode()
        return f"{_encode(raw)}.{_encode(self._mac(purpose, raw))}"

    def open(self, purpose: str, token: str) -> str:
        """Return the payload of a token that `seal` made for `purpose`; LinkInvalid for any other text."""
        payload, _, mac = token.partition(".")
        try:
            raw = _decode(payload)
            genuine = hmac.compare_digest(mac.encode(), _encode(self._mac(purpose, raw)).encode())
            if genuine and _encode(raw) == payload:
                return raw.decode()
        except (ValueError, binascii.Error):
            pass
        raise LinkInvalid

    def derive(self, purpose: str, length_bytes: int = 32) -> bytes:
        """Return key material that is fixed for this secret and `purpose` (at most 32 bytes)."""
        return hmac.digest(self.secret, b"derive:" + purpose.encode(), hashlib.sha256)[:length_bytes]

"""Tokens that only this server can make: HMAC-SHA256 over a purpose and a payload."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from shared.errors import LinkInvalid


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """Signs with one server secret; every purpose has a key of its own, so no token fits another lock."""

    secret: bytes

    def _mac(self, purpose: str, payload: bytes) -> bytes:
        key = hmac.digest(self.secret, purpose.encode(), hashlib.sha256)
        return hmac.digest(key, payload, hashlib.sha256)[:16]

    def seal(self, purpose: str, payload: str) -> str:
        """Return a URL-safe token that carries `payload` in the clear and can't be altered."""
        raw = payload.encode()
        return f"{_encode(raw)}.{_encode(self._mac(purpose, raw))}"

    def open(self, purpose: str, token: str) -> str:
        """Return the payload of a token that `seal` made for `purpose`; LinkInvalid for any other text."""
        try:
            payload, _, mac = token.partition(".")
            raw = _decode(payload)
            genuine = hmac.compare_digest(_decode(mac), self._mac(purpose, raw))
            if genuine and f"{_encode(raw)}.{mac}" == token:
                return raw.decode()
        except (ValueError, binascii.Error):
            pass
        raise LinkInvalid

    def derive(self, purpose: str, length_bytes: int = 32) -> bytes:
        """Return key material that is fixed for this secret and `purpose` (at most 32 bytes)."""
        return hmac.digest(self.secret, b"derive:" + purpose.encode(), hashlib.sha256)[:length_bytes]

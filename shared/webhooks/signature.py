"""Signing and verifying webhooks by Standard Webhooks 1.0: HMAC-SHA256 over id, time and body."""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence

from shared.errors import SettingsError, WebhookMalformed, WebhookStale, WebhookUnverified

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
TOLERANCE_S = 300
"""How far a try's time may lie from the receiver's: what the standard's own libraries take."""

_PREFIX = "whsec_"
_VERSION = "v1"
_MIN_SECRET_BYTES = 24  # the specification's bounds
_MAX_SECRET_BYTES = 64
_SECONDS = re.compile(r"[0-9]{1,12}")


def encode_secret(key: bytes) -> str:
    """Return a secret as it is handed out: ``whsec_`` and base64."""
    return _PREFIX + base64.b64encode(key).decode()


def sign(secrets: Sequence[str], event_id: str, timestamp_s: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``: one signature for each secret, separated by spaces.

    `timestamp_s` is the try's own time in epoch seconds. SettingsError for a secret that is none.
    """
    return " ".join(_signature(_key_of(secret), event_id, str(timestamp_s), body) for secret in secrets)


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, *, now_s: float | None = None) -> None:
    """Return if one of `secrets` signed this `body`, bytes as they came, within TOLERANCE_S of `now_s` (default: now).

    WebhookMalformed for headers that can't be right, WebhookStale for another time, WebhookUnverified for another
    secret, id or body; SettingsError for a secret that is none. Takes the same time wherever signatures differ.
    """
    keys = [_key_of(secret) for secret in secrets]
    given = {name.lower(): value for name, value in headers.items()}
    event_id, timestamp, signatures = (given.get(name, "") for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER))
    if not event_id or not signatures or not _SECONDS.fullmatch(timestamp):
        raise WebhookMalformed
    if abs((time.time() if now_s is None else now_s) - int(timestamp)) > TOLERANCE_S:
        raise WebhookStale
    try:
        candidates = [signature.encode("ascii") for signature in signatures.split(" ")]
        expected = [_signature(key, event_id, timestamp, body).encode() for key in keys]
    except UnicodeEncodeError as not_text:
        raise WebhookMalformed from not_text
    if not any([hmac.compare_digest(one, other) for one in expected for other in candidates]):  # noqa: C419 - all
        raise WebhookUnverified


def _signature(key: bytes, event_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((event_id.encode(), timestamp.encode(), body))
    return f"{_VERSION},{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


def _key_of(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not secret.startswith(_PREFIX) or not _MIN_SECRET_BYTES <= len(key) <= _MAX_SECRET_BYTES:
        raise SettingsError(f"a webhook's secret is {_PREFIX} and 24 to 64 bytes in base64")
    return key

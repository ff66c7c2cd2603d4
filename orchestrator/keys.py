"""API keys: what their text looks like, how they are made, listed and ended.

``rv_{id}_{secret}{checksum}``: the id finds the row; the secret has 256 random bits, of which only the SHA-256 is
stored; the checksum refuses a mistyped key before the database is asked.
"""

import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from orchestrator.store.keeping.audit import OPERATOR, AuditAction, record
from orchestrator.store.keys import StoredKey, all_keys, find_key, insert_key, mark_revoked
from orchestrator.store.store import Store
from orchestrator.webhooks.secrets import SecretState, secret_state
from shared.clock import Clock
from shared.ids import KeyId, Tenant
from shared.refusals import FieldError, InvalidRequest
from shared.signing import Signer

READ_JOBS = "jobs:read"
WRITE_JOBS = "jobs:write"
ADMIN = "admin"
"""Opens everything of its tenant, and what concerns the whole server."""
SCOPES = (READ_JOBS, WRITE_JOBS, ADMIN)
DEFAULT_SCOPES = (READ_JOBS, WRITE_JOBS)

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # read aloud and typed from logs: no 0/o, 1/l/i
_ID_LENGTH = 12
_SECRET_LENGTH = 43  # 62^43 > 2^256
_CHECKSUM_LENGTH = 6  # 62^6 > 2^32
_FORM = re.compile(
    rf"rv_([{_ID_LETTERS}]{{{_ID_LENGTH}}})_([0-9A-Za-z]{{{_SECRET_LENGTH}}})([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)
_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A key's text taken apart; its form and checksum are right, which proves nothing yet."""

    id: KeyId
    secret: str = field(repr=False)

    @property
    def secret_hash(self) -> bytes:
        """SHA-256 of the secret: with 256 random bits in it, nothing slower is needed."""
        return hashlib.sha256(self.secret.encode()).digest()


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A fresh key; its text is shown this once."""

    id: KeyId
    key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    """The one that signs the tenant's webhooks at present."""


def make_key() -> tuple[str, ParsedKey]:
    """Return a fresh key's text, and the same taken apart."""
    key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
    secret = _base62(secrets.randbits(256), _SECRET_LENGTH)
    text = f"rv_{key_id}_{secret}"
    return f"{text}{_checksum(text)}", ParsedKey(KeyId(key_id), secret)


def parse_key(text: str) -> ParsedKey | None:
    """Take a key's text apart; None for any text that `make_key` can't have made."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    key_id, secret, checksum = match.groups()
    if checksum != _checksum(text[: -len(checksum)]):
        return None
    return ParsedKey(KeyId(key_id), secret)


async def create_key(
    store: Store,
    signer: Signer,
    clock: Clock,
    name: str,
    tenant: str,
    scopes: Collection[str] = DEFAULT_SCOPES,
    expires_ms: int | None = None,
) -> CreatedKey:
    """Make and store a key; InvalidRequest for a name, tenant or scope that can't be."""
    faults = _faults(name, tenant, scopes)
    if faults:
        raise InvalidRequest(errors=faults)
    text, parsed = make_key()
    row = StoredKey(
        id=parsed.id,
        tenant=Tenant(tenant),
        name=name,
        secret_hash=parsed.secret_hash,
        scopes=frozenset(scopes),
        created_ms=clock.now_ms(),
        expires_ms=expires_ms,
    )

    def insert(connection: Connection) -> SecretState:
        insert_key(connection, row)
        made = {"name": name, "scopes": sorted(scopes), "expires_ms": expires_ms}
        record(connection, tenant, OPERATOR, AuditAction.KEY_CREATED, row.id, row.created_ms, **made)
        return secret_state(connection, tenant)

    secrets_of_tenant = await store.write(insert)
    return CreatedKey(parsed.id, text, secrets_of_tenant.current(signer))


async def list_keys(store: Store, tenant: str | None = None) -> list[StoredKey]:
    """Return a tenant's keys (everyone's for None), oldest first, ended ones too."""
    return await store.read(lambda connection: all_keys(connection, tenant))


async def revoke_key(store: Store, clock: Clock, key_id: str) -> bool:
    """End a key for good; return whether there was a living one. Servers follow within 10 seconds."""
    now_ms = clock.now_ms()

    def revoke(connection: Connection) -> bool:
        key = find_key(connection, key_id)
        if key is None or not mark_revoked(connection, key_id, now_ms):
            return False
        record(connection, key.tenant, OPERATOR, AuditAction.KEY_REVOKED, key_id, now_ms, name=key.name)
        return True

    return await store.write(revoke)


def _faults(name: str, tenant: str, scopes: Collection[str]) -> list[FieldError]:
    faults = []
    if not (1 <= len(name) <= 128 and name.isprintable()):
        faults.append(FieldError("/name", "must be 1 to 128 printable characters"))
    if not _TENANT.fullmatch(tenant):
        faults.append(FieldError("/tenant", "must be 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit"))
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        faults.append(FieldError("/scopes", f"must be some of {', '.join(SCOPES)}"))
    return faults


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_LENGTH)


def _base62(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))

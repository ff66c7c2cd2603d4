"""What an upload's address says: which object, and what may be sent."""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass

from shared.refusals import LinkInvalid, PayloadTooLarge


@dataclass(frozen=True, slots=True)
class PutGrant:
    """The right to PUT an object, or a part of one."""

    key: str
    content_type: str
    max_bytes: int
    expires_ms: int
    exact: bool = False
    """Whether it must be exactly `max_bytes`: so it is for clients, and not for workers."""
    multipart_id: str | None = None
    n: int = 0
    """Which part of it."""

    @classmethod
    def read(cls, text: str) -> "PutGrant":
        """Return the grant that `written` wrote."""
        return cls(*json.loads(text))

    def written(self) -> str:
        """Return it as a text, to be signed."""
        return json.dumps(astuple(self))

    def check_headers(self, headers: Mapping[str, str]) -> int | None:
        """Return the announced size, if there is one; LinkInvalid and PayloadTooLarge for what was not granted."""
        announced = headers.get("content-length")
        if self.exact and announced != str(self.max_bytes):
            raise LinkInvalid(f"This address takes exactly {self.max_bytes} bytes; say so in Content-Length.")
        if self.content_type and headers.get("content-type", "").strip().lower() != self.content_type.lower():
            raise LinkInvalid(f"This address takes {self.content_type} only; say so in Content-Type.")
        if announced is None:
            return None
        if not announced.isdecimal() or int(announced) > self.max_bytes:
            raise self.too_large()
        return int(announced)

    def too_large(self) -> PayloadTooLarge:
        """Return what is said to a body that is too long."""
        return PayloadTooLarge(f"This upload may have {self.max_bytes} bytes.")

"""What a store holds senders to: tried out on it, since stores that call themselves S3 differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_hex
from typing import Protocol

from orchestrator.storage.port import Honours, SignedPut
from shared.clock import Clock
from shared.errors import StorageUnavailable
from shared.wire.work_order import UploadGrant

_LASTS_MS = 60_000
_TIMEOUT_S = 10.0
_TYPE, _OTHER_TYPE = "text/plain", "text/html"


class Probed(Protocol):
    """What is needed of a storage to be tried out."""

    def grant_upload(self, key: str, content_type: str, max_bytes: int, expires_ms: int) -> UploadGrant:
        """Return the right to PUT."""
        ...

    def grant_put(
        self, key: str, content_type: str, size_bytes: int, expires_ms: int, sha256: str | None = None
    ) -> SignedPut:
        """Return the right to PUT exactly so many bytes."""
        ...

    async def verifies_sha256(self) -> bool:
        """Whether the store checks a SHA-256 itself."""
        ...

    async def keeps_versions(self) -> bool:
        """Whether the store keeps versions."""
        ...

    async def forget(self, key: str) -> None:
        """Delete one object, its versions too."""
        ...


@dataclass(frozen=True)
class Probe:
    """A few small PUTs by signed addresses, as a stranger sends them; what they leave is deleted."""

    storage: Probed
    clock: Clock

    async def ask(self) -> Honours:
        """Return what the store refuses; StorageUnavailable where it can't be reached."""
        key = f"probe/{token_hex(8)}"
        try:
            return Honours(
                content_type=not await self._takes_another_type(key),
                length=not await self._takes_another_length(key),
                if_none_match=not await self._overwrites(key),
                sha256=await self.storage.verifies_sha256(),
                keeps_versions=await self.storage.keeps_versions(),
            )
        finally:
            await self.storage.forget(key)

    async def _takes_another_type(self, key: str) -> bool:
        grant = self.storage.grant_upload(key, _TYPE, 100, self._until_ms())
        return await _put(grant.url, b"probe", {**grant.headers, "Content-Type": _OTHER_TYPE})

    async def _takes_another_length(self, key: str) -> bool:
        signed = self.storage.grant_put(key, _TYPE, 5, self._until_ms())
        return await _put(signed.url, b"longer", signed.headers)

    async def _overwrites(self, key: str) -> bool:
        grant = self.storage.grant_upload(key, _TYPE, 100, self._until_ms())
        headers = {"Content-Type": _TYPE, **grant.headers}
        if not await _put(grant.url, b"first", headers):
            raise StorageUnavailable("The store refuses an upload as it was granted.")
        return await _put(grant.url, b"second", {**headers, "If-None-Match": "*"})

    def _until_ms(self) -> int:
        return self.clock.now_ms() + _LASTS_MS


async def _put(url: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Return whether a PUT is taken."""
    import aiohttp
    from yarl import URL

    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.put(URL(url, encoded=True), data=body, headers=headers) as answer,
        ):
            # A store that does not know a header may say 501.
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and answer.status != HTTPStatus.NOT_IMPLEMENTED:
                raise StorageUnavailable(f"The store answered {answer.status}.")
            return answer.ok
    except (aiohttp.ClientError, TimeoutError) as failed:
        raise StorageUnavailable from failed

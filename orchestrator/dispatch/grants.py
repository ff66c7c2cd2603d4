"""What one attempt is granted: signed addresses for its own files, and for nothing else."""

from dataclasses import dataclass

from orchestrator.services import Services
from orchestrator.storage.keys import attempt_prefix, manifest_key, output_key, result_key
from shared.operation import Slot
from shared.wire.work_order import InputGrant, UploadGrant

_JSON = "application/json"
_RESULT_BYTES = 1 << 20
_MANIFEST_BYTES = 64 << 20
_OUTLIVE_MS = 300_000
"""What a worker still stores when its time is over does no harm, and may be the manifest."""


@dataclass(frozen=True, slots=True)
class AttemptGrants:
    """Makes the grants of one attempt; all of them end at the same time."""

    services: Services
    prefix: str
    expires_ms: int

    @classmethod
    def of(
        cls, services: Services, tenant: str, job_id: str, task_n: int, attempt: int, deadline_ms: int
    ) -> "AttemptGrants":
        """Return those of an attempt, good beyond its deadline unless the settings want them to end before."""
        expires_ms = deadline_ms + _OUTLIVE_MS
        if services.settings.grant_ttl_s is not None:
            expires_ms = min(expires_ms, services.clock.now_ms() + round(services.settings.grant_ttl_s * 1000))
        return cls(services, attempt_prefix(tenant, job_id, task_n, attempt), expires_ms)

    def output(self, item_n: int, slot: Slot) -> UploadGrant:
        """Return the right to store one file of an item."""
        return self._upload(output_key(self.prefix, item_n, slot.filename), slot.content_type, slot.max_bytes)

    def result(self, item_n: int) -> UploadGrant:
        """Return the right to commit an item."""
        return self._upload(result_key(self.prefix, item_n), _JSON, _RESULT_BYTES)

    def committed_url(self, item_n: int) -> str:
        """Return where an item's commit marker is read."""
        return self.services.storage.read_url(result_key(self.prefix, item_n), self.expires_ms)

    def manifest(self) -> UploadGrant:
        """Return the right to close the attempt."""
        return self._upload(manifest_key(self.prefix), _JSON, _MANIFEST_BYTES)

    def own_input(self, key: str, max_bytes: int, etag: str | None = None) -> InputGrant:
        """Return where an upload or an earlier output is fetched from; `etag` pins it."""
        url = self.services.storage.read_url(key, self.expires_ms)
        return InputGrant(url=url, origin="own", max_bytes=max_bytes, etag=etag)

    def _upload(self, key: str, content_type: str, max_bytes: int) -> UploadGrant:
        return self.services.storage.grant_upload(key, content_type, max_bytes, self.expires_ms)

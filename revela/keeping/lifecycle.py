"""Rules for the bucket itself, for what no server is there to remove."""

import json
from pathlib import Path

from orchestrator.storage.s3 import Bucket
from revela.failures import UsageFault
from revela.server_settings import load_settings

_VERSIONS_KEPT_DAYS = 1
"""The least there is: what was deleted shall be gone."""


def print_lifecycle(data_dir: Path | None, abort_days: int, expire_days: int | None) -> None:
    """Print the rules for the bucket that the settings name; UsageFault where the storage is no bucket."""
    url = load_settings(data_dir).resolved_storage_url
    if not url.startswith("s3://"):
        raise UsageFault("the storage is no bucket: REVELA_STORAGE_URL does not begin with s3://")
    prefix = Bucket.parse(url).key("")
    rules = [
        _rule("revela-abort-uploads", prefix, AbortIncompleteMultipartUpload={"DaysAfterInitiation": abort_days}),
        _rule("revela-drop-versions", prefix, NoncurrentVersionExpiration={"NoncurrentDays": _VERSIONS_KEPT_DAYS}),
    ]
    if expire_days is not None:
        rules.append(_rule("revela-expire", prefix, Expiration={"Days": expire_days}))
    print(json.dumps({"Rules": rules}, indent=2))


def _rule(name: str, prefix: str, **action: dict[str, int]) -> dict[str, object]:
    return {"ID": name, "Status": "Enabled", "Filter": {"Prefix": prefix}, **action}

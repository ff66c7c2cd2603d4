"""Buckets that keep versions: whether one does, and how what the server only tries out leaves none behind."""

import contextlib
from typing import Any


def put_and_forget(client: Any, bucket: str, key: str, **more: str) -> bool:
    """Write an empty object; return whether the bucket keeps versions of it. Where it does, this one goes at once."""
    version = client.put_object(Bucket=bucket, Key=key, Body=b"", **more).get("VersionId")
    if version in (None, "", "null"):  # no versions, or versioning that was suspended
        return False
    with _as_far_as_allowed():
        client.delete_object(Bucket=bucket, Key=key, VersionId=version)
    return True


def drop_versions(client: Any, bucket: str, key: str) -> None:
    """Delete all versions of one object, and the markers of its deletion, as far as the keys allow it."""
    with _as_far_as_allowed():
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if version["Key"] == key:
                    client.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])


def _as_far_as_allowed() -> contextlib.AbstractContextManager[None]:
    from botocore.exceptions import ClientError

    return contextlib.suppress(ClientError)  # the bucket's rules drop what these keys may not

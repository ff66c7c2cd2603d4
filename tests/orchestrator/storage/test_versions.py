"""A bucket that keeps versions is known as one, and nothing that the server only tries out stays in it."""

from collections.abc import AsyncIterator, Iterator
from secrets import token_hex
from typing import Any

import pytest

from orchestrator.storage.s3 import Bucket, S3Storage
from shared.clock import SystemClock
from tests.s3_servers import ACCESS_KEY, SECRET_KEY, client, moto_server


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a store that can keep versions."""
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        yield url


class Versioned:
    """A fresh bucket, as its owner sees it."""

    def __init__(self, url: str) -> None:
        self.name = f"media-{token_hex(4)}"
        self.owner: Any = client(url)
        self.owner.create_bucket(Bucket=self.name)

    def switch(self, status: str) -> None:
        """Let it keep versions, or no longer."""
        self.owner.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": status})

    def left(self) -> list[str]:
        """Return the keys of all versions, and of the markers of deletions."""
        answer = self.owner.list_object_versions(Bucket=self.name)
        return [one["Key"] for one in (*answer.get("Versions", ()), *answer.get("DeleteMarkers", ()))]


@pytest.fixture
def bucket(moto: str) -> Versioned:
    """Make a bucket."""
    return Versioned(moto)


@pytest.fixture
async def storage(moto: str, bucket: Versioned, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[S3Storage]:
    """Open the bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    storage = S3Storage(Bucket(bucket.name, "media", moto, addressing="path"), SystemClock())
    yield storage
    await storage.close()


async def checked(storage: S3Storage, times: int) -> None:
    for _ in range(times):
        storage._checked_s = float("-inf")
        await storage.check()


async def test_a_bucket_without_versions_is_told_so(storage: S3Storage, bucket: Versioned) -> None:
    assert (await storage.honours()).keeps_versions is False
    await checked(storage, 3)
    assert bucket.left() == ["media/check"]


async def test_checks_and_the_probe_leave_no_version_behind(storage: S3Storage, bucket: Versioned) -> None:
    bucket.switch("Enabled")
    assert (await storage.honours()).keeps_versions is True
    await checked(storage, 3)
    assert bucket.left() == []


async def test_a_bucket_that_keeps_versions_no_longer_is_told_so(storage: S3Storage, bucket: Versioned) -> None:
    bucket.switch("Enabled")
    bucket.switch("Suspended")
    assert (await storage.honours()).keeps_versions is False
    await checked(storage, 3)
    assert set(bucket.left()) <= {"media/check"}


async def test_what_is_deleted_stays_as_a_version_until_the_rule_drops_it(
    storage: S3Storage, bucket: Versioned
) -> None:
    bucket.switch("Enabled")
    bucket.owner.put_object(Bucket=bucket.name, Key="media/acme/job_1/0-1/0/a.mp4", Body=b"face")
    assert await storage.delete_under("acme/job_1") == 1
    assert await storage.keeps_versions()
    assert set(bucket.left()) == {"media/acme/job_1/0-1/0/a.mp4"}

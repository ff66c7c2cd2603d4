"""Where signed addresses of a bucket lead."""

from urllib.parse import urlsplit

import pytest

from orchestrator.storage.s3 import Bucket, S3Storage
from shared.clock import SystemClock

B2 = "endpoint_url=https://s3.us-west-004.backblazeb2.com&region=us-west-004"


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("s3://photos/p?region=eu-south-1", "photos.s3.eu-south-1.amazonaws.com", "/p/a/b"),
        ("s3://photos/p?region=us-east-1", "photos.s3.us-east-1.amazonaws.com", "/p/a/b"),
        ("s3://photos/p", "photos.s3.us-east-1.amazonaws.com", "/p/a/b"),
        ("s3://photos/p?region=eu-south-1&addressing=path", "s3.eu-south-1.amazonaws.com", "/photos/p/a/b"),
        (f"s3://photos/p?{B2}", "s3.us-west-004.backblazeb2.com", "/photos/p/a/b"),
        (f"s3://photos/p?{B2}&addressing=virtual", "photos.s3.us-west-004.backblazeb2.com", "/p/a/b"),
    ],
)
async def test_an_address_names_the_region_s_own_host(
    monkeypatch: pytest.MonkeyPatch, url: str, host: str, path: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    clock = SystemClock()
    storage = S3Storage(Bucket.parse(url), clock)
    until_ms = clock.now_ms() + 60_000
    for signed in (storage.grant_upload("a/b", "text/plain", 5, until_ms).url, storage.read_url("a/b", until_ms)):
        assert (urlsplit(signed).scheme, urlsplit(signed).netloc, urlsplit(signed).path) == ("https", host, path)
    await storage.close()

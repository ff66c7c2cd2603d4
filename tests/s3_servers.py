"""S3 servers on loopback: rclone's, which checks signatures; moto's, which does not; a Ceph RGW that runs already."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import httpx
from botocore.config import Config

from tests.serving import loopback_listener

RGW_URL = os.environ.get("REVELA_TEST_RGW", "")
"""A Ceph RGW to test on, with the bucket made; `make test-s3` starts one."""
ACCESS_KEY = os.environ.get("REVELA_TEST_ACCESS_KEY", "test-access")
SECRET_KEY = os.environ.get("REVELA_TEST_SECRET_KEY", "test-secret-key")
"""The keys of every store here."""
BUCKET = "revela"
_START_S = 30.0


@contextmanager
def bucket_server(folder: Path) -> Iterator[str]:
    """Yield the address of Ceph's RGW where there is one, of a fresh server of rclone's elsewhere."""
    if RGW_URL:
        yield RGW_URL
        return
    with rclone_server(folder) as url:
        yield url


@contextmanager
def rclone_server(folder: Path) -> Iterator[str]:
    """Serve the folders of `folder` as buckets; yield the endpoint's address."""
    (folder / BUCKET).mkdir(parents=True)
    argv = [str(Path(sys.executable).with_name("rclone")), "serve", "s3", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"]
    with _running(lambda port: [*argv, "--addr", f"127.0.0.1:{port}", str(folder)]) as url:
        yield url


@contextmanager
def moto_server(folder: Path) -> Iterator[str]:
    """Serve a store in memory; yield the endpoint's address."""
    with _running(lambda port: [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]) as url:
        client(url).create_bucket(Bucket=BUCKET)
        yield url


def client(url: str) -> boto3.client:
    """Return a client that owns the store."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


@contextmanager
def _running(argv: Callable[[int], list[str]]) -> Iterator[str]:
    with loopback_listener() as probe:
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    process = subprocess.Popen(argv(port), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    end_s = time.monotonic() + _START_S
    while time.monotonic() < end_s:
        assert process.poll() is None, "the store ended at once"
        try:
            httpx.get(url, timeout=5)
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the store did not start")

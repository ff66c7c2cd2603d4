"""How fast a worker stores and fetches files, beside boto3's own transfer manager on the same server, and a socket."""

import argparse
import asyncio
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.rounds import interleaved
from shared.fetch_guard import guarded_session
from shared.wire.work_order import InputGrant, UploadGrant
from tests.s3_servers import ACCESS_KEY, BUCKET, SECRET_KEY, rclone_server
from worker.transfer.connection import own_session
from worker.transfer.fetch import Clients, download
from worker.transfer.upload import Uploader

FILE_BYTES, QUICK_BYTES = 100 << 20, 16 << 20
ROUNDS, QUICK_ROUNDS = 7, 3
LEAST_RATIO = 0.9
"""Of boto3's throughput."""
_BLOCK_BYTES = 1 << 20


def main() -> None:
    """Print the medians; exit 1 if the worker is slower than LEAST_RATIO of boto3."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small files and few rounds: does it run at all?")
    quick = parser.parse_args().quick
    size_bytes, rounds = (QUICK_BYTES, QUICK_ROUNDS) if quick else (FILE_BYTES, ROUNDS)
    with tempfile.TemporaryDirectory() as folder, rclone_server(Path(folder) / "store") as url:
        source = Path(folder) / "source"
        source.write_bytes(os.urandom(size_bytes))
        ways = _Ways(url, source, Path(folder) / "fetched")
        ways.check()
        timings = interleaved(ways.by_name(), rounds)
    mib = size_bytes / (1 << 20)
    print(f"A file of {mib:.0f} MiB to and from rclone's S3 server on this machine, median of {rounds} rounds, MiB/s:")
    for name in timings.seconds:
        print(f"  {name:18} {mib / timings.median(name):7.0f}")
    ratios = {way: timings.ratio(f"{way}, boto3", f"{way}, worker") for way in ("store", "fetch")}
    for way, ratio in ratios.items():
        print(f"  {way}: the worker reaches {ratio:.2f} of boto3's throughput (aim: {LEAST_RATIO} at least)")
    sys.exit(not quick and min(ratios.values()) < LEAST_RATIO)


class _Ways:
    """The same file, moved in different ways; each leaves it where the next round finds it."""

    def __init__(self, url: str, source: Path, target: Path) -> None:
        self._source, self._target = source, target
        self._client = _client(url)
        self._url = url

    def by_name(self) -> dict[str, Callable[[], object]]:
        """Return what is timed; `fetch` gets what `store` has left."""
        return {
            "store, worker": self._store,
            "store, boto3": partial(self._client.upload_file, str(self._source), BUCKET, "boto3"),
            "fetch, worker": self._fetch,
            "fetch, boto3": partial(self._client.download_file, BUCKET, "boto3", str(self._target)),
            "socket to disk": partial(_through_a_socket, self._source, self._target),
        }

    def check(self) -> None:
        """Raise AssertionError unless every way moves the whole file."""
        whole = self._source.read_bytes()
        for name, way in self.by_name().items():
            way()
            if name.startswith("store"):
                key = name.rpartition(" ")[2]
                moved = self._client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            else:
                moved = self._target.read_bytes()
                self._target.unlink()
            assert moved == whole, name

    def _signed(self, operation: str, **parameters: str) -> str:
        named = {"Bucket": BUCKET, "Key": "worker", **parameters}
        return str(self._client.generate_presigned_url(operation, Params=named, ExpiresIn=600))

    def _store(self) -> None:
        url = self._signed("put_object", ContentType="video/mp4")
        grant = UploadGrant(key="worker", url=url, content_type="video/mp4", max_bytes=1 << 40, content_md5=True)

        async def store() -> None:
            async with own_session() as own:
                await Uploader(own).file(grant, self._source, 1 << 40)

        asyncio.run(store())

    def _fetch(self) -> None:
        grant = InputGrant(url=self._signed("get_object"), origin="own", max_bytes=1 << 40)

        async def fetch() -> None:
            async with own_session() as own, guarded_session() as user:
                await download(Clients(own, user), grant, self._target, max_bytes=1 << 40, timeout_s=600)

        asyncio.run(fetch())


def _client(url: str) -> Any:
    """Return boto3's client as our own S3 storage sets it up: without checksums that nobody asked for."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _through_a_socket(source: Path, target: Path) -> None:
    """Send the file by the kernel alone and write what arrives: what loopback and disk allow."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        receiver = threading.Thread(target=_receive, args=(listener, target))
        receiver.start()
        with socket.create_connection(listener.getsockname()) as connection, source.open("rb") as file:
            connection.sendfile(file)
        receiver.join()


def _receive(listener: socket.socket, target: Path) -> None:
    connection, _ = listener.accept()
    with connection, target.open("wb") as file:
        while block := connection.recv(_BLOCK_BYTES):
            file.write(block)


if __name__ == "__main__":
    main()

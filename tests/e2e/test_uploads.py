"""Files from the command line into an S3 bucket: killed, taken up, whole in the end, with little memory."""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from revela import Client
from tests.pictures import photo
from tests.s3_servers import ACCESS_KEY, BUCKET, RGW_URL, SECRET_KEY, bucket_server, client
from tests.served import Server, peak_kib, served
from tests.waiting import until_now

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

MIB = 1 << 20
SMALL = {"width": 320, "height": 180, "duration_s": 0.5, "fps": 12, "quality": "draft"}


@contextmanager
def server_with_bucket(folder: Path, workers: int = 0) -> Iterator[tuple[Server, str]]:
    """Serve with a bucket as storage; yield the server and the store's address."""
    with bucket_server(folder / "s3") as store:
        server = Server(
            folder / "data",
            workers,
            REVELA_STORAGE_URL=f"s3://{BUCKET}/media?endpoint_url={store}&addressing=path",
            AWS_ACCESS_KEY_ID=ACCESS_KEY,
            AWS_SECRET_ACCESS_KEY=SECRET_KEY,
        )
        server.start()
        try:
            yield server, store
        finally:
            server.stop()


def big_file(path: Path, size_bytes: int) -> str:
    """Write a file that begins as a video does and is noise otherwise; return its SHA-256."""
    digest, noise = hashlib.sha256(), random.Random(1)
    with path.open("wb") as file:
        piece = b"\0\0\0\x18ftypmp42" + noise.randbytes(MIB - 12)
        while size_bytes > 0:
            file.write(piece[:size_bytes])
            digest.update(piece[:size_bytes])
            size_bytes -= len(piece)
            piece = noise.randbytes(MIB)
    return digest.hexdigest()


@dataclass
class Command:
    """Runs of `revela upload FILE`, each with the same cache; the most memory that any of them had."""

    server: Server
    path: Path
    key: str
    peak_kib: int = 0

    def start(self) -> "subprocess.Popen[str]":
        """Start one."""
        argv = [sys.executable, "-m", "revela", "upload", str(self.path), "--json", "--url", self.server.url]
        environment = {**os.environ, "REVELA_API_KEY": self.key, "XDG_CACHE_HOME": str(self.path.parent / "cache")}
        return subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def watch(self, process: "subprocess.Popen[str]") -> None:
        """Look at a run's memory."""
        self.peak_kib = max(self.peak_kib, peak_kib(process.pid))

    def run_until_killed(self, parts: int) -> None:
        """Run until so many parts have arrived, and kill it."""
        process = self.start()
        try:
            until_now(lambda: self._watched(process) and self.received() >= parts, 200)
        finally:
            process.kill()
            process.communicate()

    def run(self) -> dict[str, Any]:
        """Run to the end; return the upload."""
        process = self.start()
        while process.poll() is None:
            self.watch(process)
            time.sleep(0.02)
        told, error = process.communicate()
        assert process.returncode == 0, error
        [upload] = json.loads(told)
        return dict(upload)

    def received(self) -> int:
        """Return how many parts of the newest upload have arrived."""
        with httpx.Client(base_url=self.server.url, headers={"X-API-Key": self.key}) as api:
            uploads = api.get("/v1/uploads").json()["uploads"]
            if not uploads:
                return 0
            return len(api.get(f"/v1/uploads/{uploads[0]['id']}").json()["received"] or ())

    def _watched(self, process: "subprocess.Popen[str]") -> bool:
        assert process.poll() is None, "the upload ended before it was killed"
        self.watch(process)
        return True


def sha256_in_bucket(store: str, upload_id: str) -> str:
    stored = client(store).get_object(Bucket=BUCKET, Key=f"media/acme/uploads/{upload_id[4:]}")["Body"]
    digest = hashlib.sha256()
    for piece in stored.iter_chunks(MIB):
        digest.update(piece)
    return digest.hexdigest()


def sha256_on_disk(server: Server, upload_id: str) -> str:
    with (server.folder / "objects/acme/uploads" / upload_id[4:]).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def killed_twice(server: Server, path: Path, size_bytes: int, stored: Callable[[str], str]) -> Command:
    """Upload a file, killing the command twice on the way; it must arrive whole and no part twice."""
    wanted = big_file(path, size_bytes)
    command = Command(server, path, server.create_key())
    parts = -(-size_bytes // (16 * MIB))
    command.run_until_killed(max(1, parts // 3))
    first = command.received()
    command.run_until_killed(max(first + 1, parts // 2))
    second = command.received()
    upload = command.run()
    assert first < second <= parts
    assert upload["state"] == "completed"
    with Client(server.url, command.key) as api:
        assert [one.id for one in api.uploads()] == [upload["id"]], "a killed run was not taken up"
    assert stored(upload["id"]) == wanted
    return command


def test_a_file_arrives_whole_though_its_sender_was_killed_twice(tmp_path: Path) -> None:
    with server_with_bucket(tmp_path) as (server, store):
        # Four parts arrive at once, and on a quick store the rest of seven do before anyone can look.
        path, size_bytes = tmp_path / "big.mp4", (264 if RGW_URL else 104) * MIB + 12_345
        command = killed_twice(server, path, size_bytes, partial(sha256_in_bucket, store))
    assert command.peak_kib < 150 * 1024


def test_a_job_is_made_of_a_file_here(tmp_path: Path) -> None:
    picture = tmp_path / "beach.jpg"
    picture.write_bytes(photo(800, 600))
    with server_with_bucket(tmp_path, workers=1) as (server, _):
        key = server.create_key()
        argv = [sys.executable, "-m", "revela", "submit", "img2vid", "--image", str(picture), "--json"]
        params = [f"--param={name}={value}" for name, value in SMALL.items()]
        environment = {**os.environ, "REVELA_API_KEY": key, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        ran = subprocess.run(
            [*argv, *params, "--url", server.url, "--output", str(tmp_path / "videos")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert ran.returncode == 0, ran.stderr
        job = json.loads(ran.stdout)
        assert (job["status"], [item["id"] for item in job["items"]]) == ("COMPLETED", ["beach"])
        assert (tmp_path / "videos/beach.mp4").read_bytes()[4:8] == b"ftyp"


def _big() -> None:
    """``python -m tests.e2e.test_uploads --big MIB [--disk]``: the same with a large file; prints what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--big", type=int, default=2048, metavar="MIB")
    parser.add_argument("--disk", action="store_true")
    asked = parser.parse_args()
    started_s, size_bytes = time.monotonic(), asked.big * MIB
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        if asked.disk:
            server = stack.enter_context(served(folder / "data", workers=0))
            stored = partial(sha256_on_disk, server)
        else:
            server, store = stack.enter_context(server_with_bucket(folder))
            stored = partial(sha256_in_bucket, store)
        command = killed_twice(server, folder / "big.mp4", size_bytes, stored)
        peaks = f"client {command.peak_kib / 1024:.0f} MiB, server {server.peak_kib() / 1024:.0f} MiB"
    print(f"{size_bytes / 1e6:.0f} MB, killed twice, whole after {time.monotonic() - started_s:.0f} s; {peaks}")


if __name__ == "__main__":
    _big()

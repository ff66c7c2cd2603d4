"""A cancel in the middle of a long encode: the worker is free for the next job, and nothing is left running."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from tests.loopback import object_server
from tests.pictures import photo
from tests.served import Server
from tests.waiting import until_now

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

LONG = {"duration_s": 60, "fps": 30, "quality": "high"}


def encoders(server: Server) -> list[int]:
    """Return the pids of the ffmpeg processes that work in the server's folder."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _writes_into(entry, server.folder)
    ]


def _writes_into(entry: Path, folder: Path) -> bool:
    try:
        words = (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"ffmpeg" in words[0] and any(str(folder).encode() in word for word in words)


async def test_a_cancelled_encode_frees_its_worker_and_leaves_no_ffmpeg(tmp_path: Path) -> None:
    async with object_server() as photos:
        image = photos.put("a.jpg", photo(1600, 1200))
        server = Server(tmp_path, 1, REVELA_ALLOW_PRIVATE_SOURCES=photos.host_and_port)
        await asyncio.to_thread(server.start)
        try:
            took_s = await asyncio.to_thread(cancel_and_go_on, server, image)
        finally:
            await asyncio.to_thread(server.stop)
    print(f"free for the next job after {took_s:.1f} s")
    assert took_s < 20  # bench/cancel.py measures it; this is for a mechanism that has stopped working


def cancel_and_go_on(server: Server, image: str) -> float:
    """Cancel a running encode and run another job; return how long after the cancel that one was begun."""
    with httpx.Client(base_url=server.url, headers={"X-API-Key": server.create_key()}, timeout=60) as client:
        long = {"operation": "img2vid", "input": {"image": image, **LONG}}
        job_id = client.post("/v1/jobs", json=long).json()["id"]
        until_now(lambda: bool(encoders(server)), 90)
        next_job = {"operation": "echo", "input": {"text": "next", "journal": str(server.journal)}}
        next_id = client.post("/v1/jobs", json=next_job).json()["id"]
        before_s = time.monotonic()
        assert client.post(f"/v1/jobs/{job_id}/cancel").status_code == 202
        until_now(lambda: bool(server.runs()), 60)
        took_s = time.monotonic() - before_s
        assert encoders(server) == []
        assert client.get(f"/v1/jobs/{job_id}").json()["status"] == "CANCELLED"
        assert client.get(f"/v1/jobs/{next_id}", params={"wait": 20}).json()["status"] == "COMPLETED"
        return took_s

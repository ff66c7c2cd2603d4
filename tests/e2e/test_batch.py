"""A real batch: real server, real SDK worker, real photos, among them some that are none."""

import asyncio
import struct
import zlib
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from tests.loopback import object_server
from tests.pictures import photo
from tests.served import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SMALL = {"width": 320, "height": 180, "duration_s": 1, "fps": 12, "quality": "draft"}


def giant_png() -> bytes:
    """Return a PNG of a few bytes that claims 65500 × 65500 pixels."""
    header = struct.pack(">IIBBBBB", 65500, 65500, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


BAD = {
    "empty": (b"", "media-empty"),
    "text": (b"<html>not a picture</html>", "media-format"),
    "truncated": (photo(400, 300)[:3000], "media-corrupt"),
    "giant": (giant_png(), "image-too-large"),
    "drawing": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "media-format"),
}


async def test_bad_pictures_fail_alone_and_the_rest_become_videos(tmp_path: Path) -> None:
    async with object_server() as photos:
        items = [{"id": name, "image": photos.put(f"{name}.jpg", body)} for name, (body, _) in BAD.items()]
        items.append({"id": "missing", "image": photos.url("missing.jpg")})
        items += [{"id": f"good-{n}", "image": photos.put(f"{n}.jpg", photo(800, 600, seed=n))} for n in range(2)]
        server = Server(tmp_path, 1, REVELA_ALLOW_PRIVATE_SOURCES=photos.host_and_port)
        await asyncio.to_thread(server.start)
        try:
            job = await asyncio.to_thread(run_job, server, {"operation": "img2vid", "items": items, "defaults": SMALL})
            compatible = await asyncio.to_thread(
                run_compatible, server, {"images": [{"id": "c", "image_url": photos.url("0.jpg"), "duracao": 0.5}]}
            )
        finally:
            await asyncio.to_thread(server.stop)
    assert (job["status"], job["attempts"]) == ("COMPLETED_WITH_ERRORS", 1)
    codes = {item["id"]: item["error"]["code"] for item in job["items"] if item["error"]}
    assert codes == {"missing": "source-not-found", **{name: code for name, (_, code) in BAD.items()}}
    for name in ("good-0", "good-1"):
        with av.open(str(tmp_path / f"{name}.mp4")) as video:
            assert sum(1 for _ in video.decode(video=0)) == 12
            assert (video.streams.video[0].width, video.streams.video[0].height) == (320, 180)
    assert (compatible["code"], [video["id"] for video in compatible["videos"]]) == (200, ["c"])


def run_job(server: Server, request: dict[str, Any]) -> dict[str, Any]:
    """Run a job to its end, save its videos, and return it."""
    with server.client() as client:
        job = client.wait(client.submit(request).id)
        for item in job.items:
            for output in item.output.values():
                client.download(output, server.folder / f"{item.id}.mp4")
        return job.model_dump(mode="json")


def run_compatible(server: Server, request: dict[str, Any]) -> dict[str, Any]:
    """Call the compatible route as an old client does; fetch what it names."""
    key = server.create_key()
    answer = httpx.post(f"{server.url}/video/img2vid", json=request, headers={"X-API-Key": key}, timeout=120)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    for video in body["videos"]:
        assert httpx.get(video["video_url"]).content[4:8] == b"ftyp"
    return body

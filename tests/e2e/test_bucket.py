"""A batch whose outputs lie in an S3 bucket: the worker reaches it by signed addresses alone."""

import hashlib
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from revela.demo.photo_server import serving_photos
from tests.curl import folder_with_curl
from tests.e2e.cdn import Cdn, serving_cdn
from tests.pictures import photo
from tests.s3_servers import ACCESS_KEY, BUCKET, SECRET_KEY, bucket_server, client
from tests.served import Server
from tests.waiting import until_now

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

OUTPUT_TTL_S = 60
SMALL = {"width": 320, "height": 180, "duration_s": 0.5, "fps": 12, "quality": "draft"}


def test_a_batch_goes_into_the_bucket_and_out_by_its_links(tmp_path: Path) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(photo(800, 600))
    with bucket_server(tmp_path / "s3") as store, serving_photos([picture]) as photos, serving_cdn() as cdn:
        server = Server(
            tmp_path / "data",
            1,
            REVELA_ALLOW_PRIVATE_SOURCES=photos.authority,
            REVELA_STORAGE_URL=f"s3://{BUCKET}/media?endpoint_url={store}&addressing=path",
            AWS_ACCESS_KEY_ID=ACCESS_KEY,
            AWS_SECRET_ACCESS_KEY=SECRET_KEY,
            REVELA_CDN_URL=cdn.url,
        )
        server.start()
        cdn.origin = server.url
        try:
            with httpx.Client(base_url=server.url, headers={"X-API-Key": server.create_key()}, timeout=60) as api:
                fleeting = begin_fleeting_job(api)
                assert_a_batch_goes_through(api, server, photos.urls[0], store, cdn)
                assert_the_link_ends_in_time(api, server, cdn, fleeting)
        finally:
            server.stop()


def assert_a_batch_goes_through(api: httpx.Client, server: Server, image: str, store: str, cdn: Cdn) -> None:
    items = [{"id": f"v{n}", "image": image, **SMALL} for n in range(2)]
    job_id = api.post("/v1/jobs", json={"operation": "img2vid", "items": items}).json()["id"]
    echo = {"operation": "echo", "input": {"text": "x", "journal": str(server.journal), "sleep_s": 2}}
    api.post("/v1/jobs", json=echo)
    job = api.get(f"/v1/jobs/{job_id}", params={"wait": 25}).json()
    while job["status"] in ("IN_QUEUE", "IN_PROGRESS"):
        job = api.get(f"/v1/jobs/{job_id}", params={"wait": 25}).json()
    assert (job["status"], job["attempts"]) == ("COMPLETED", 1), job
    video_url = job["items"][1]["output"]["video"]["url"]
    assert_the_cdn_pulls_once(cdn, video_url, job["items"][1]["output"]["video"]["sha256"])
    link = server.url + video_url.removeprefix(cdn.url)
    answer = httpx.get(link)
    assert answer.status_code == 307
    assert sha256_by_curl(link, server.folder) == job["items"][1]["output"]["video"]["sha256"]
    video = httpx.get(answer.headers["location"])
    assert (video.status_code, video.headers["content-type"], len(video.content)) == (
        200,
        "video/mp4",
        job["items"][1]["output"]["video"]["size_bytes"],
    )
    assert 'filename="v1-video.mp4"' in video.headers["content-disposition"]
    assert httpx.get(answer.headers["location"].partition("?")[0]).status_code in (400, 403)
    files = {f"0-1/{n}/{name}" for n in (0, 1) for name in ("video.mp4", "result.json")}
    assert keys_under(store, job_id) == {*files, "0-1/manifest.json"}
    assert_the_worker_holds_no_key(server)
    assert api.delete(f"/v1/jobs/{job_id}").status_code == 204
    until_now(lambda: not keys_under(store, job_id), 20)
    assert httpx.get(link).status_code == 404


def sha256_by_curl(link: str, folder: Path) -> str:
    """Save a link as anyone does who has been sent it; return what has arrived."""
    with_curl = {**os.environ, "PATH": f"{folder_with_curl(folder)}:{os.environ['PATH']}"}
    target = folder / "video.mp4"
    subprocess.run(["curl", "-sfL", "-o", str(target), link], env=with_curl, check=True, timeout=60)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def begin_fleeting_job(api: httpx.Client) -> str:
    """Hand in a job whose outputs are kept for as short a time as can be."""
    echo = {"operation": "echo", "input": {"text": "fleeting"}, "output_ttl_s": OUTPUT_TTL_S}
    return str(api.post("/v1/jobs", json=echo).json()["id"])


def assert_the_link_ends_in_time(api: httpx.Client, server: Server, cdn: Cdn, job_id: str) -> None:
    job = api.get(f"/v1/jobs/{job_id}").json()
    link = server.url + job["items"][0]["output"]["text"]["url"].removeprefix(cdn.url)
    if datetime.now(UTC) < datetime.fromisoformat(job["expires_at"]):
        assert httpx.get(link).status_code == 307
    until_now(lambda: httpx.get(link).status_code == 410, OUTPUT_TTL_S + 5)
    assert datetime.now(UTC) >= datetime.fromisoformat(job["expires_at"])
    assert httpx.get(link).json()["code"] == "link-expired"


def assert_the_cdn_pulls_once(cdn: Cdn, url: str, sha256: str) -> None:
    for _ in range(3):
        answer = httpx.get(url)
        assert (answer.status_code, hashlib.sha256(answer.content).hexdigest()) == (200, sha256)
    assert cdn.pulled == [url.removeprefix(cdn.url)]


def keys_under(store: str, job_id: str) -> set[str]:
    prefix = f"media/acme/{job_id}/"
    found = client(store).list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return {entry["Key"].removeprefix(prefix) for entry in found.get("Contents", ())}


def assert_the_worker_holds_no_key(server: Server) -> None:
    until_now(lambda: bool(server.worker_pids()), 30)
    [pid] = server.worker_pids()
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"RUNPOD_POD_ID=" in environment
    for secret in (SECRET_KEY, "AWS_", "REVELA_STORAGE_URL"):
        assert secret.encode() not in environment

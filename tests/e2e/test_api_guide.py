"""The API guide's lines run as they stand."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from revela.demo.photo_server import serving_photos
from tests.curl import folder_with_curl
from tests.served import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = "http://127.0.0.1:8765"


def shell_blocks(document: Path) -> list[str]:
    """Return a document's shell lines, block by block."""
    return re.findall(r"```sh\n(.*?)```", document.read_text(), re.DOTALL)


def test_the_guides_lines_do_what_it_says(tmp_path: Path) -> None:
    pictures = sorted((ROOT / "docs/img2vid").glob("*.jpg"))
    with serving_photos(pictures) as photos:
        addresses = dict(zip((picture.name for picture in pictures), photos.urls, strict=True))
        server = Server(tmp_path, 1, REVELA_ALLOW_PRIVATE_SOURCES=photos.authority)
        server.start()
        try:
            job, retry, events, found = run_guide(server, tmp_path, addresses)
        finally:
            server.stop()
    assert (job["status"], job["summary"]) == ("COMPLETED_WITH_ERRORS", {"total": 3, "succeeded": 2, "failed": 1})
    assert {item["id"]: item["error"] and item["error"]["code"] for item in job["items"]} == {
        "beach": None,
        "tower": None,
        "lost": "source-not-found",
    }
    assert (retry["retry_of"], [item["id"] for item in retry["items"]]) == (job["id"], ["lost"])
    assert re.findall(r'"status":"(COMPLETED_WITH_ERRORS)"', events)
    assert [entry["id"] for entry in found["jobs"]] == [retry["id"]]


def run_guide(server: Server, folder: Path, photos: dict[str, str]) -> tuple[Json, Json, str, Json]:
    """Run all blocks in one shell; return the job, its retry, the events that were told, and what was found."""
    script = "\n".join(shell_blocks(ROOT / "docs/api.md"))
    for name, url in photos.items():
        assert f"{PHOTOS}/{name}" in script
        script = script.replace(f"{PHOTOS}/{name}", url)
    script = script.replace(PHOTOS, next(iter(photos.values())).rpartition("/")[0])
    environment = {
        **os.environ,
        "PATH": f"{folder_with_curl(folder)}:{os.environ['PATH']}",
        "REVELA_URL": server.url,
        "REVELA_API_KEY": server.create_key(),
    }
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert ran.returncode == 0, ran.stderr
    status, _, rest = ran.stdout.partition("\n")
    events, _, found = rest.rpartition("\n\n")
    job, retry = [json.loads((folder / f"{name}.json").read_text()) for name in ("job", "retry")]
    assert status == job["status"]
    return job, retry, events, json.loads(found)

"""The lines of docs/compatible.md run as they stand, and are answered as the page says."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from revela.demo.photo_server import serving_photos
from tests.curl import folder_with_curl
from tests.e2e.test_api_guide import ROOT, shell_blocks
from tests.pictures import photo
from tests.served import served
from tests.worker.media.clips import make

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PAGE = ROOT / "docs/compatible.md"
SUBTITLES = "1\n00:00:00,000 --> 00:00:01,000\nHello\n"


def sources(folder: Path) -> list[Path]:
    """Return the files that the page names, made here; those that it says are not there excepted."""
    folder.mkdir()
    (folder / "beach.jpg").write_bytes(photo(640, 480))
    (folder / "clip.srt").write_text(SUBTITLES)
    make(folder / "clip.mp4", "-t", "1", "-pix_fmt", "yuv420p")
    return sorted(folder.iterdir())


def shape(value: Any) -> Any:
    """Return what a JSON value is made of: names of fields and types."""
    match value:
        case dict():
            return {name: shape(entry) for name, entry in value.items()}
        case list():
            return [shape(entry) for entry in value]
    return type(value).__name__


def test_the_lines_are_answered_as_the_page_says(tmp_path: Path) -> None:
    img2vid, caption, sound = answers(tmp_path)
    [example] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)]
    assert shape(img2vid) == shape(example)
    for field in ("code", "message", "errors"):
        assert img2vid[field] == example[field]
    assert (caption["code"], [video["id"] for video in caption["videos"]], "errors" in caption) == (200, ["0"], False)
    assert (sound["code"], sound["videos"], sound["errors"][0]["id"]) == (502, [], "0")
    assert sound["message"].endswith(f"the first: {sound['errors'][0]['message']}")


def answers(folder: Path) -> list[dict[str, Any]]:
    """Run all blocks in one shell; return what the three routes answered."""
    script = "\n".join(shell_blocks(PAGE))
    made = sources(folder / "sources")
    with serving_photos(made) as photos:
        for name, url in zip((file.name for file in made), photos.urls, strict=True):
            assert f"https://example.com/{name}" in script
            script = script.replace(f"https://example.com/{name}", url)
        script = script.replace("https://example.com", f"http://{photos.authority}")
        with served(folder / "data", REVELA_ALLOW_PRIVATE_SOURCES=photos.authority) as server:
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
    return [json.loads((folder / f"{name}.json").read_text()) for name in ("img2vid", "caption", "sound")]


def test_the_page_names_every_field_that_the_routes_take() -> None:
    from orchestrator.api.compat.photos import Photo, PhotosRequest
    from orchestrator.api.compat.videos import CaptionsRequest, SoundRequest

    page = PAGE.read_text()
    fields = [*PhotosRequest.model_fields, *CaptionsRequest.model_fields, *SoundRequest.model_fields]
    fields += [f"images[].{name}" for name in Photo.model_fields]
    assert [name for name in fields if f"| `{name}` |" not in page] == []

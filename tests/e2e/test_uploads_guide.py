"""The lines of docs/uploads.md run as they stand."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.curl import folder_with_curl
from tests.e2e.test_api_guide import ROOT, shell_blocks
from tests.pictures import photo
from tests.served import served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_the_lines_upload_a_photo_and_make_a_video_of_it(tmp_path: Path) -> None:
    (tmp_path / "beach.jpg").write_bytes(photo(640, 480))
    with served(tmp_path / "data") as server:
        environment = {
            **os.environ,
            "PATH": f"{folder_with_curl(tmp_path)}:{os.environ['PATH']}",
            "REVELA_URL": server.url,
            "REVELA_API_KEY": server.create_key(),
        }
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(shell_blocks(ROOT / "docs/uploads.md"))],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert ran.returncode == 0, ran.stderr
        with server.client() as client:
            assert list(client.uploads()) == []
    job = json.loads((tmp_path / "job.json").read_text())
    assert (ran.stdout.strip(), job["status"]) == ("completed", "COMPLETED")
    assert job["items"][0]["output"]["video"]["width"] == 320

"""The README's first job, docs/client.md and the docstrings' examples, run as they stand against a real server."""

import asyncio
import doctest
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import pytest

from revela import AsyncClient, Client, verify_webhook
from revela.client import asynchronous, blocking, webhooks
from revela.demo.server_process import RunningServer, running_server
from shared.webhooks.signature import encode_secret, sign
from shared.wire.job import JobView
from tests.curl import folder_with_curl
from tests.pictures import photo as picture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[3]
PHOTOS = "127.0.0.1:8765"
SERVER = "http://127.0.0.1:3000"
FPS = 24
"""What img2vid makes where nothing is said."""
SECRET = encode_secret(b"a secret of thirty-two bytes....")


@dataclass(frozen=True)
class Surroundings:
    """A server with one worker, and the photos that it may fetch."""

    server: RunningServer
    photos: str

    def here(self, text: str) -> str:
        """Return a document's lines with the addresses that are true here."""
        return text.replace(PHOTOS, self.photos).replace(SERVER, self.server.url)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def photos_served() -> Iterator[str]:
    """Serve the folder that the documents name; yield host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(ROOT / "docs/img2vid")))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    folder = tmp_path_factory.mktemp("server")
    with photos_served() as photos:
        allowed = {"REVELA_ALLOW_PRIVATE_SOURCES": photos}
        with running_server(folder, workers=1, settings=allowed) as server:
            yield Surroundings(server, photos)


@pytest.fixture
def environment(here: Surroundings, tmp_path: Path) -> dict[str, str]:
    """The variables that the documents speak of."""
    return {
        **os.environ,
        "REVELA_URL": here.server.url,
        "REVELA_API_KEY": here.server.create_key("documents", f"t{abs(hash(tmp_path))}"),
        "REVELA_DATA_DIR": str(here.server.data_dir),
        "PYTHONPATH": str(ROOT),
    }


def blocks(document: Path, language: str, section: str = "") -> list[str]:
    """Return the blocks of code in a document, or in one section of it."""
    text = document.read_text()
    if section:
        text = text.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def run(argv: list[str], environment: dict[str, str], folder: Path) -> str:
    """Run a command to its end; return what it wrote."""
    ran = subprocess.run(argv, env=environment, cwd=folder, capture_output=True, text=True, timeout=150, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def frames(video: Path) -> int:
    with av.open(str(video)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_the_readme_s_first_job_works_as_it_is_written(
    here: Surroundings, environment: dict[str, str], tmp_path: Path
) -> None:
    readme = ROOT / "README.md"
    start, photos, *steps = blocks(readme, "sh", "A first job")
    assert start == f"REVELA_ALLOW_PRIVATE_SOURCES={PHOTOS} .venv/bin/revela serve --workers 1\n"
    assert photos == "python3 -m http.server --bind 127.0.0.1 --directory docs/img2vid 8765 &\n"
    script = here.here("set -e\n" + "".join(steps)).replace(
        ".venv/bin/revela", f"{shlex.quote(sys.executable)} -m revela"
    )
    path = {"PATH": f"{folder_with_curl(tmp_path)}:{os.environ['PATH']}"}
    written = run(["sh", "-c", script], {**environment, **path}, tmp_path)
    assert JobView.model_validate_json((tmp_path / "job.json").read_bytes()).status == "COMPLETED"
    assert frames(tmp_path / "landscape.mp4") == 3 * FPS
    assert written.split("\t")[1] == "COMPLETED"
    assert frames(tmp_path / "videos/landscape-4x3.mp4") == FPS
    [program] = blocks(readme, "python", "A first job")
    said = run([sys.executable, "-c", here.here(program)], environment, tmp_path)
    assert said.splitlines()[-2:] == ["COMPLETED", "from-python/0.mp4"]
    assert frames(tmp_path / "from-python/0.mp4") == FPS


def test_the_client_s_page_works_as_it_is_written(
    here: Surroundings, environment: dict[str, str], tmp_path: Path
) -> None:
    program = "\n".join(blocks(ROOT / "docs/client.md", "python"))
    lines = run([sys.executable, "-c", here.here(program)], environment, tmp_path).splitlines()
    for item in ("beach", "tower"):
        assert frames(tmp_path / f"videos/{item}.mp4") == FPS
        assert f"{item} is COMPLETED" in lines
    assert any(line.startswith("/input/fps ") for line in lines)
    assert any(line.startswith("not-found no job job_") for line in lines)
    assert lines[-1].count("<Status.COMPLETED:") == 2
    assert "401" in lines


def test_every_name_on_the_client_s_page_is_a_method() -> None:
    page = (ROOT / "docs/client.md").read_text()
    public = {name for name in vars(Client) if not name.startswith("_")} - {"download_outputs"}
    assert {name for name in public if f"{name}(" not in page and f"`{name}`" not in page} == set()


def test_both_clients_have_the_same_methods_with_the_same_arguments() -> None:
    def surface(kind: type) -> dict[str, list[str]]:
        methods = {name: method for name, method in vars(kind).items() if not name.startswith("_")}
        return {name: list(inspect.signature(method).parameters) for name, method in methods.items()}

    assert surface(Client) == surface(AsyncClient)


def test_the_docstrings_examples_are_true(
    here: Surroundings, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REVELA_URL", "REVELA_API_KEY"):
        monkeypatch.setenv(name, environment[name])
    photo = f"http://{here.photos}/landscape-4x3.jpg"
    small = {"image": photo, "duration_s": 0.5, "width": 128, "height": 96}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "beach.jpg").write_bytes(picture(320, 240))
    with Client() as client:
        done = client.wait(client.submit("img2vid", input=small).id)
        body = event_of(done)
        names = {
            "client": client,
            "photo": photo,
            "job_id": done.id,
            "folder": tmp_path,
            "asyncio": asyncio,
            "yesterday": datetime.now(UTC) - timedelta(days=1),
            "secret": SECRET,
            "body": body,
            "headers": signed(body),
            "Client": Client,
            "AsyncClient": AsyncClient,
            "verify_webhook": verify_webhook,
        }
        results = [doctest.testmod(module, extraglobs=names) for module in (blocking, asynchronous, webhooks)]
    assert [(result.failed, result.attempted > 0) for result in results] == [(0, True)] * 3


def event_of(job: JobView) -> bytes:
    data = {"url": f"{SERVER}/v1/jobs/{job.id}", "job": job.model_dump(mode="json")}
    return json.dumps({"type": "job.completed", "timestamp": "2026-01-01T00:00:00Z", "data": data}).encode()


def signed(body: bytes) -> dict[str, str]:
    now_s = round(datetime.now(UTC).timestamp())
    signature = sign([SECRET], "evt_00000000000000000000000001", now_s, body)
    return {
        "Webhook-Id": "evt_00000000000000000000000001",
        "Webhook-Timestamp": str(now_s),
        "Webhook-Signature": signature,
    }

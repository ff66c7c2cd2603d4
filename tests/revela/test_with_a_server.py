"""The command line, the client and the README's example against `revela serve` with a real worker."""

import dataclasses
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import httpx
import pytest

from revela import Client, DownloadDamaged, PermissionDenied
from revela.demo.photo_server import PhotoServer, serving_photos
from revela.demo.server_process import RunningServer, running_server
from revela.failures import NOBODY_THERE, WRONGLY_ASKED, JobNotCompleted, ServerUnreachable
from shared.processes import kill_session
from shared.wire.job import JobView
from shared.wire.status import Status
from tests.pictures import photo
from tests.revela.terminal import Terminal
from tests.worker.media.clips import usual

pytestmark = [pytest.mark.slow]

SMALL = {"width": 128, "height": 96, "duration_s": 0.5, "fps": 10}
IDLE_MB = 120


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """A server with one worker, a photo that it may fetch, and a key."""

    server: RunningServer
    photos: PhotoServer
    key: str
    idle_mb: float

    @property
    def photo(self) -> str:
        return self.photos.urls[0]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    folder = tmp_path_factory.mktemp("server")
    picture = folder / "photo.jpg"
    picture.write_bytes(photo(400, 300))
    with (
        serving_photos([picture]) as photos,
        running_server(folder, workers=1, settings={"REVELA_ALLOW_PRIVATE_SOURCES": photos.authority}) as server,
    ):
        httpx.get(f"{server.url}/readyz").raise_for_status()
        yield Surroundings(server, photos, server.create_key("tests", "tests"), resident_mb(server.process.pid))


@pytest.fixture
def connected(terminal: Terminal, here: Surroundings, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal that knows the server."""
    monkeypatch.setenv("REVELA_URL", here.server.url)
    monkeypatch.setenv("REVELA_API_KEY", here.key)
    return terminal


@pytest.fixture
def client(here: Surroundings) -> Iterator[Client]:
    with Client(here.server.url, here.key) as client:
        yield client


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def params(values: dict[str, float]) -> list[str]:
    return [word for name, value in values.items() for word in ("--param", f"{name}={value}")]


def test_the_idle_server_is_small(here: Surroundings) -> None:
    assert here.idle_mb < IDLE_MB


def test_submit_waits_and_prints_the_finished_job(connected: Terminal, here: Surroundings) -> None:
    ended = connected("submit", "img2vid", "--image", here.photo, *params(SMALL), "--wait", "--json")
    assert ended.code == 0, ended.err
    job = JobView.model_validate(ended.json)
    assert job.status is Status.COMPLETED
    assert [item.id for item in job.items] == ["1"]
    shown = connected("job", job.id)
    assert "COMPLETED" in shown.out
    assert job.items[0].output["video"].url in shown.out
    assert connected("job", job.id, "--json").json["id"] == job.id
    assert job.id in connected("jobs").out
    assert [listed["id"] for listed in connected("jobs", "--json", "--limit", "1").json] == [job.id]
    assert connected("jobs", "--status", "cancelled", "--json").json == []


def test_outputs_are_saved_under_their_items_names(connected: Terminal, here: Surroundings, tmp_path: Path) -> None:
    images = ["--image", here.photo, "--image", here.photo, "--image", f"http://{here.photos.authority}/none.jpg"]
    ended = connected("submit", "img2vid", *images, *params(SMALL), "--output", "videos")
    assert (ended.code, ended.err.splitlines()[0][:4]) == (JobNotCompleted.exit_code, "job_")
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [(row[0], row[1]) for row in rows] == [("1", "COMPLETED"), ("1-2", "COMPLETED"), ("none", "FAILED")]
    files = [Path(row[5]) for row in rows[:2]]
    assert files == [tmp_path / "videos/1.mp4", tmp_path / "videos/1-2.mp4"]
    assert [path.stat().st_size for path in files] == [int(row[3]) for row in rows[:2]]
    again = connected("job", ended.err.split()[0], "--output", "again", "--json").json
    assert again["files"] == [str(tmp_path / "again" / path.name) for path in files]
    assert [Path(path).read_bytes() for path in again["files"]] == [path.read_bytes() for path in files]


def test_what_is_found_in_a_file_of_this_machine_is_shown(
    connected: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    usual(tmp_path / "clip.mp4")
    ended = connected("submit", "probe", "--param", "media=clip.mp4", "--wait")
    assert ended.code == 0, ended.err
    item, status, _, _, found, _ = ended.out.rstrip("\n").split("\t")
    facts = json.loads(found)["facts"]
    assert (item, status, facts["video"][0]["width"], facts["duration_s"]) == ("0", "COMPLETED", 320, 2.0)
    assert "outputs stay" not in ended.err


def test_submit_without_wait_says_how_to_follow(connected: Terminal, here: Surroundings) -> None:
    said = connected("submit", "img2vid", "--image", here.photo, *params(SMALL))
    job_id = said.out.strip()
    assert job_id.startswith("job_")
    assert f"revela job {job_id} --wait" in said.err
    assert connected("job", job_id, "--wait").code == 0


def test_a_job_that_fails_is_exit_code_1_and_its_reason_is_shown(connected: Terminal, here: Surroundings) -> None:
    missing = f"http://{here.photos.authority}/none.jpg"
    failed = connected("submit", "img2vid", "--image", missing, "--wait")
    assert failed.code == JobNotCompleted.exit_code
    assert "source-not-found" in failed.out
    assert "FAILED" in failed.err


def test_a_refused_request_is_exit_code_2_and_points_at_the_field(connected: Terminal, here: Surroundings) -> None:
    refused = connected("submit", "img2vid", "--image", here.photo, "--param", "fps=0")
    assert refused.code == WRONGLY_ASKED
    assert "--param fps: " in refused.err
    unknown = connected("submit", "img3vid", "--param", "a=1")
    assert (unknown.code, "did you mean img2vid" in unknown.err) == (WRONGLY_ASKED, True)
    for job_id in ("job_00000000000000000000000000", "nope", "../../health"):
        missing = connected("job", job_id)
        assert (missing.code, missing.err) == (WRONGLY_ASKED, f"revela: no job {job_id}\n")
    assert connected("jobs", "--key", "rv_wrong").code == WRONGLY_ASKED


def test_a_server_that_is_not_there_or_not_revela_is_exit_code_3(connected: Terminal, here: Surroundings) -> None:
    nobody = connected("jobs", "--url", "http://127.0.0.1:9")
    assert (nobody.code, nobody.err.count("\n")) == (NOBODY_THERE, 1)
    assert connected("jobs", "--url", f"http://{here.photos.authority}").code == NOBODY_THERE
    assert connected("jobs", "--url", "not an address").code == NOBODY_THERE


def test_the_client_shows_real_progress_and_saves_what_was_made(
    client: Client, here: Surroundings, tmp_path: Path
) -> None:
    items = [{"id": f"i{n}", "image": here.photo} for n in range(3)]
    job = client.submit({"operation": "img2vid", "items": items, "defaults": SMALL})
    seen: list[JobView] = []
    ended = client.wait(job.id, seen.append)
    assert ended.status is Status.COMPLETED
    assert seen[-1] == ended
    outputs = [item.output["video"] for item in client.items(job.id, status=Status.COMPLETED)]
    assert len(outputs) == len(items)
    saved = client.download(outputs[0], tmp_path / "video.mp4")
    with av.open(str(saved)) as container:
        assert sum(1 for _ in container.decode(video=0)) == SMALL["duration_s"] * SMALL["fps"]


def test_a_download_that_is_not_what_was_promised_leaves_no_file(
    client: Client, here: Surroundings, tmp_path: Path
) -> None:
    job = client.submit({"operation": "img2vid", "input": {"image": here.photo, **SMALL}})
    output = client.wait(job.id).items[0].output["video"]
    with pytest.raises(DownloadDamaged):
        client.download(output.model_copy(update={"sha256": "0" * 64}), tmp_path / "video.mp4")
    with pytest.raises(PermissionDenied):
        client.download(
            output.model_copy(update={"url": f"{output.url}x".replace("/output/", "/output/x")}), tmp_path / "v"
        )
    assert list(tmp_path.iterdir()) == []


def test_operations_are_listed_with_what_they_take(connected: Terminal) -> None:
    rows = [line.split("\t") for line in connected("operations", "img2vid").out.splitlines()]
    listed = {row[1]: row[2:5] for row in rows}
    assert listed["duration_s"] == ["number", "5.0", "≥ 0.5, ≤ 60"]
    assert listed["image"] == ["string", "required", ""]
    assert listed["motion"][1:] == ["zoom_in", "zoom_in, zoom_out, pan_left, pan_right, pan_up, pan_down, none"]
    assert listed["focus"][2] == "x ≥ 0, ≤ 1; y ≥ 0, ≤ 1"
    assert [operation["name"] for operation in connected("operations", "--json").json] == [
        "add_audio",
        "caption",
        "img2vid",
        "probe",
    ]
    unknown = connected("operations", "paint")
    assert (unknown.code, unknown.err) == (
        2,
        "revela: no operation paint; there are add_audio, caption, img2vid, probe\n",
    )


def test_a_server_on_a_terminal_says_how_to_call_it_and_that_it_stopped(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "revela", "serve", "--port", "0", "--data-dir", str(tmp_path)]
    server = subprocess.Popen(argv, stdout=theirs, stderr=subprocess.DEVNULL, cwd=tmp_path)
    os.close(theirs)
    try:
        with os.fdopen(ours, "rb", 0) as terminal:
            said = terminal.read(4096).decode()
            server.send_signal(signal.SIGINT)
            assert server.wait(30) == 0
            assert terminal.read(4096) == b"stopped\r\n"
    finally:
        server.kill()
        server.wait()
    command = f"{sys.executable} -m revela keys create NAME --tenant TENANT --data-dir {tmp_path}"
    assert said.endswith(f"make a key with: {command}\r\n")


def test_two_servers_can_t_listen_on_one_port(here: Surroundings, tmp_path: Path) -> None:
    port = here.server.url.rpartition(":")[2]
    argv = [sys.executable, "-m", "revela", "serve", "--port", port, "--data-dir", str(tmp_path)]
    second = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in second.stderr


def test_a_worker_joins_from_outside_does_a_job_and_both_end_well_when_told_to(
    here: Surroundings, terminal: Terminal, tmp_path: Path
) -> None:
    allowed = {"REVELA_ALLOW_PRIVATE_SOURCES": here.photos.authority}
    (tmp_path / "data").mkdir()
    with running_server(tmp_path / "data", workers=0, settings=allowed) as server:
        token = terminal("keys", "worker", "box-1", "--json").json["token"]
        with joined(f"{server.url}/v2/local", "box-1", token) as worker:
            with Client(server.url, server.create_key("tests", "tests")) as client:
                job = client.submit({"operation": "img2vid", "input": {"image": here.photo, **SMALL}})
                assert client.wait(job.id).status is Status.COMPLETED
            worker.terminate()
            assert worker.wait(20) == 0
        server.process.terminate()
        assert server.process.wait(20) == 0


@contextmanager
def joined(url: str, worker_id: str, token: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `revela worker`; whatever it began is gone at the end."""
    argv = [sys.executable, "-m", "revela", "worker", "--url", url, "--id", worker_id]
    environment = {**os.environ, "REVELA_WORKER_TOKEN": token}
    worker = subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield worker
    finally:
        kill_session(worker.pid)
        worker.wait()


def test_a_server_that_can_t_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerUnreachable, match="REVELA_MAX_ATTEMPTS"),
        running_server(tmp_path, workers=0, settings={"REVELA_MAX_ATTEMPTS": "many"}),
    ):
        pass

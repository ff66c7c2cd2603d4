"""What both sides' logs say of a job, and what they keep to themselves."""

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.services import pool_client_key
from orchestrator.settings import Settings
from tests.served import Server, served
from tests.waiting import until_now

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

OF_THE_SERVER = ("local_worker.", "storage.probed")
"""Events that belong to no job."""
ROUTES_OF_NO_JOB = ("/health", "/readyz", "/v1/operations")


def lines(text: str) -> list[dict[str, Any]]:
    """Return the log's events; the SDK's own lines beside them are plain text."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def worker_log(server: Server) -> str:
    return "".join(path.read_text() for path in (server.folder / "logs").iterdir())


def run_jobs(server: Server, client: httpx.Client) -> tuple[list[str], list[str]]:
    """Run a job that succeeds and one that fails, following both; return their ids and every secret that was used."""
    ids, secrets = [], []
    for operation in ("echo", "fails_for_good"):
        body = {"operation": operation, "items": [{"id": "a"}]}
        job_id = client.post("/v1/jobs", json=body, headers={"x-request-id": f"for-{operation}"}).json()["id"]
        link = client.post(f"/v1/jobs/{job_id}/events/token").json()["url"]
        with httpx.stream("GET", link, timeout=90) as stream:
            assert stream.read().count(b"event: status") == 3
        ids.append(job_id)
        secrets.append(link.partition("token=")[2])
    [item] = client.get(f"/v1/jobs/{ids[0]}").json()["items"]
    url = item["output"]["text"]["url"]
    assert httpx.get(url).status_code == 200
    return ids, [*secrets, url.split("/")[-2]]


def test_a_job_is_found_in_both_logs_by_its_id_and_no_secret_is(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        key = server.create_key()
        with httpx.Client(base_url=server.url, headers={"x-api-key": key}, timeout=60) as client:
            ids, secrets = run_jobs(server, client)
        until_now(lambda: worker_log(server).count('"task.ended"') >= 2)
        orchestrator, worker = (tmp_path / "server.log").read_text(), worker_log(server)

    for job_id in ids:
        told = [line["event"] for line in lines(orchestrator) if line.get("job_id") == job_id]
        # Accepted and followed, sent, fetched and stored by its worker, and ended.
        assert {"request.answered", "task.submitted", "task.ended"} <= set(told)
        stored = [line for line in lines(orchestrator) if line.get("method") == "PUT" and line["job_id"] == job_id]
        assert len(stored) >= 2
        assert {"task.started", "item.ended", "task.ended"} <= {
            line["event"] for line in lines(worker) if line.get("job_id") == job_id
        }
    for line in (*lines(orchestrator), *lines(worker)):
        alone = line["event"] in ("worker.started",) or line["event"].startswith(OF_THE_SERVER)
        assert alone or line.get("route") in ROUTES_OF_NO_JOB or line.get("job_id") in ids, line
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", line["event"]), line
    kept, answered = [line for line in lines(orchestrator) if line.get("request_id") == "for-echo"]
    assert [line["event"] for line in (kept, answered)] == ["job.stored", "request.answered"]
    assert (answered["route"], kept["job_id"], answered["job_id"]) == ("/v1/jobs", ids[0], ids[0])

    signer = Settings(_env_file=None, data_dir=tmp_path).signer()
    tasks = {(line["task_id"], line["attempt"]) for line in lines(worker) if "task_id" in line}
    assert tasks
    secrets += [key, key.rpartition("_")[2], pool_client_key(signer), (tmp_path / "secret").read_bytes().hex()]
    secrets += [signer.seal(purpose, f"{task}/{n}") for task, n in tasks for purpose in ("work", "attempt")]
    for secret in secrets:
        for part in (secret, *secret.split(".")):
            assert len(part) >= 16, "so short a part may stand in a log by chance"
            assert part not in orchestrator
            assert part not in worker
    assert not re.search(r"/output/[A-Za-z0-9_-]{16}|/hooks/endpoint/|[wp]k_\w{8}|whsec_|token=", orchestrator + worker)


def test_a_server_that_is_told_to_stop_does_not_wait_for_those_who_follow(tmp_path: Path) -> None:
    with served(tmp_path, workers=0) as server:
        client = httpx.Client(base_url=server.url, headers={"x-api-key": server.create_key()}, timeout=60)
        job_id = client.post("/v1/jobs", json={"operation": "echo", "input": {}}).json()["id"]
        with client.stream("GET", f"/v1/jobs/{job_id}/events") as stream:
            arriving = stream.iter_lines()
            while next(arriving) != "event: status":
                pass
            started_s = time.monotonic()
            server.stop()
            assert time.monotonic() - started_s < 5
            assert "event: item" not in list(arriving)  # the answer ended properly, else this would raise

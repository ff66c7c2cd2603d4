"""`revela webhooks`: the receiver, the log, the secret; and the receiver of the documents, as it stands there."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from revela.failures import UsageFault
from revela.webhooks.listen import Listener
from shared.webhooks.signature import encode_secret, sign
from tests.revela.terminal import Terminal
from tests.served import Server, served
from tests.waiting import until_now

PAGE = Path(__file__).resolve().parents[3] / "docs/webhooks.md"
SECRET, OTHER = encode_secret(b"a" * 32), encode_secret(b"b" * 32)
EVENT: dict[str, Any] = {
    "type": "job.completed",
    "timestamp": "2026-11-21T09:30:00Z",
    "data": {"url": "https://media.example/v1/jobs/job_1", "job": None},
}


def headers(body: bytes, secret: str = SECRET, event_id: str = "evt_1", at_s: float | None = None) -> dict[str, str]:
    """Return what a genuine try carries."""
    at_s = time.time() if at_s is None else at_s
    stamp = {"webhook-id": event_id, "webhook-timestamp": str(int(at_s))}
    return stamp | {"webhook-signature": sign([secret], event_id, int(at_s), body)}


@contextmanager
def listening(*secrets: str, as_json: bool = False) -> Iterator[Listener]:
    with Listener(0, secrets, as_json=as_json) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield listener
        listener.shutdown()
        thread.join()


def test_genuine_events_are_printed_and_others_refused(capsys: pytest.CaptureFixture[str]) -> None:
    body = json.dumps(EVENT).encode()
    with listening(SECRET, OTHER) as listener:
        answers = [
            httpx.post(listener.url, content=body, headers=given).status_code
            for given in (
                headers(body),
                headers(body),
                headers(body, OTHER, "evt_2"),
                headers(body, encode_secret(b"c" * 32)),
                headers(body, at_s=time.time() - 3600),
                {},
            )
        ]
        too_long = httpx.post(listener.url, content=b"x" * (1 << 20 | 1), headers={"expect": ""}).status_code
    assert answers == [204, 204, 204, 401, 401, 401]
    assert too_long == 413
    written = capsys.readouterr()
    shown = "09:30:00 job.completed https://media.example/v1/jobs/job_1"
    assert written.out.splitlines() == [f"{shown} evt_1", f"{shown} evt_1 again", f"{shown} evt_2"]
    assert written.err.count("refused: ") == 3


def test_events_are_printed_as_the_json_that_came(capsys: pytest.CaptureFixture[str]) -> None:
    body = json.dumps(EVENT).encode()
    with listening(SECRET, as_json=True) as listener:
        httpx.post(listener.url, content=body, headers=headers(body))
    assert json.loads(capsys.readouterr().out) == EVENT


def test_a_secret_that_is_none_is_one_clear_line(terminal: Terminal) -> None:
    with pytest.raises(UsageFault):
        Listener(0, ["secret"], as_json=False)
    refused = terminal("webhooks", "listen", "0", "--secret", "secret")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("revela: a webhook's secret is whsec_")


def test_a_secret_is_rotated_on_the_server(terminal: Terminal) -> None:
    old = terminal("keys", "create", "shop", "--tenant", "acme", "--json").json["webhook_secret"]
    told = terminal("webhooks", "rotate", "--tenant", "acme", "--json").json
    assert set(told) == {"secret", "previous_valid_until"}
    assert (
        old != told["secret"] == terminal("keys", "create", "shop", "--tenant", "acme", "--json").json["webhook_secret"]
    )
    Webhook(told["secret"])
    unknown = terminal("webhooks", "rotate", "--tenant", "amce")
    assert (unknown.code, unknown.err) == (2, "revela: there is no tenant amce; the first key makes one\n")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("server"), workers=0, REVELA_ALLOW_PRIVATE_SOURCES="127.0.0.0/8") as running:
        yield running


@pytest.fixture(scope="module")
def key(server: Server) -> dict[str, str]:
    """Return a key with its webhook secret, made as an operator makes one."""
    argv = [sys.executable, "-m", "revela", "keys", "create", "test", "--tenant", "acme", "--json"]
    environment = {**os.environ, "REVELA_DATA_DIR": str(server.folder)}
    made = subprocess.run(argv, env=environment, capture_output=True, check=True)
    told: dict[str, str] = json.loads(made.stdout)
    return told


@contextmanager
def process(
    argv: list[str], cwd: Path, **environment: str
) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], str]]]:
    """Run a receiver; yield it, and a way to read what it has written."""
    log = cwd / "out"
    with log.open("wb") as file:
        receiver = subprocess.Popen(argv, cwd=cwd, env={**os.environ, **environment}, stdout=file, stderr=file)
    try:
        yield receiver, log.read_text
    finally:
        receiver.kill()
        receiver.wait()


def told_by(server: Server, key: dict[str, str], address: str) -> tuple[str, str]:
    """Have a job end that tells `address`; return the ids of the job and of its event once it has arrived."""
    with httpx.Client(base_url=server.url, headers={"x-api-key": key["key"]}) as client:
        job = client.post("/v1/jobs", json={"operation": "echo", "input": {}, "webhook": address}).json()["id"]
        assert client.post(f"/v1/jobs/{job}/cancel").is_success

        def delivered() -> list[str]:
            found = client.get(f"/v1/jobs/{job}/deliveries").json()["deliveries"]
            return [delivery["id"] for delivery in found if delivery["state"] == "DELIVERED"]

        until_now(delivered, 20)
        return job, delivered()[0]


@pytest.mark.slow
def test_the_whole_way_on_one_machine(server: Server, key: dict[str, str], tmp_path: Path, terminal: Terminal) -> None:
    argv = [sys.executable, "-u", "-m", "revela", "webhooks", "listen", "0"]
    with process(argv, tmp_path, REVELA_WEBHOOK_SECRET=key["webhook_secret"]) as (receiver, written):
        until_now(lambda: "listening on" in written(), 20)
        [address] = re.findall(r"listening on (\S+)", written())
        job_id, event_id = told_by(server, key, address)
        until_now(lambda: f"{job_id} CANCELLED {event_id}" in written())
        at = ("--url", server.url, "--key", key["key"])
        [shown] = terminal("webhooks", "deliveries", job_id, *at, "--json").json
        assert (shown["id"], shown["state"]) == (event_id, "DELIVERED")
        first, second = terminal("webhooks", "deliveries", job_id, *at).out.splitlines()
        assert first.split("\t")[:4] == [event_id, "job.cancelled", "DELIVERED", address]
        assert second.split("\t")[3] == "204"
        assert terminal("webhooks", "redeliver", event_id, *at, "--json").json["state"] == "WAITING"
        until_now(lambda: f"{event_id} again" in written())
        assert terminal("webhooks", "redeliver", "evt_01K9ZV6Q0S8M7D3X5B2C4F6G8H", *at).code != 0
        receiver.send_signal(signal.SIGINT)
        assert receiver.wait(10) == 0
    assert "Traceback" not in written()


@pytest.mark.slow
def test_the_documented_receiver_works_as_it_stands_there(server: Server, key: dict[str, str], tmp_path: Path) -> None:
    program = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    (tmp_path / "receiver.py").write_text(program)
    port = str(free_port())
    environment = {"REVELA_WEBHOOK_SECRET": key["webhook_secret"], "PORT": port, "PYTHONUNBUFFERED": "1"}
    with process([sys.executable, "receiver.py"], tmp_path, **environment) as (_, written):
        until_now(lambda: answers(port), 20)
        job_id, _ = told_by(server, key, f"http://127.0.0.1:{port}/hooks/revela")
        until_now(lambda: f"job.cancelled {server.url}/v1/jobs/{job_id}" in written())
        body = json.dumps(EVENT).encode()
        forged = httpx.post(f"http://127.0.0.1:{port}/", content=body, headers=headers(body))
        assert forged.status_code == 401


def test_the_documented_call_believes_what_is_genuine() -> None:
    program = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    body = json.dumps(EVENT).encode()
    names: dict[str, Any] = {"headers": headers(body), "body": body, "secret": SECRET}
    exec(program, names)
    assert names["event"].data.url == EVENT["data"]["url"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").status_code == 501
    except httpx.HTTPError:
        return False

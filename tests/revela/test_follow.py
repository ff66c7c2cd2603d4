"""A job is followed to its end, whatever its server does meanwhile."""

import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from revela import Client, Refused
from revela.client.patience import ENDLESS
from revela.failures import Interrupted
from revela.jobs.follow import follow_job
from shared.wire.job import JobView
from shared.wire.status import Status
from tests.revela.client.scripted import JOB, job, problem
from tests.serving import base_url, loopback_listener, serving
from tests.waiting import until_now


def followed(*answers: Callable[[], Response]) -> tuple[JobView, int]:
    """Follow a job on a server that gives these answers in turn; return what it ended as, and the answers left."""
    left = list(answers)

    async def answer(_request: Request) -> Response:
        return left.pop(0)()

    impatient = replace(ENDLESS, first_pause_s=0.001, longest_pause_s=0.01)
    with (
        serving(Starlette(routes=[Route("/v1/jobs/job_00000000000000000000000001", answer)])) as url,
        Client(url, "k") as client,
    ):
        ended = follow_job(client, JOB["id"], quiet=True, known=JobView.model_validate(JOB), patience=impatient)
    return ended, len(left)


def running() -> Response:
    return job()


def completed() -> Response:
    return job(status="COMPLETED")


def bad_gateway() -> Response:
    return HTMLResponse("<h1>Bad Gateway</h1>", 502)


def test_a_server_that_fails_is_asked_again_without_end() -> None:
    failures = [bad_gateway, lambda: problem(503), lambda: problem(429), *[bad_gateway] * 5]
    ended, unasked = followed(running, *failures, running, bad_gateway, completed)
    assert (ended.status, unasked) == (Status.COMPLETED, 0)


@pytest.mark.parametrize("status", [401, 404, 403])
def test_a_server_that_refuses_is_believed(status: int) -> None:
    with pytest.raises(Refused):
        followed(running, lambda: problem(status))


@pytest.mark.slow
def test_a_followed_job_outlives_its_server_and_an_interrupt(tmp_path: Path) -> None:
    listener = loopback_listener()
    url, port = base_url(listener), listener.getsockname()[1]
    with ExitStack() as stack:
        with serving(one_job(running), listener=listener):
            patient, interrupted = (Submitted(url, tmp_path / name) for name in ("patient", "interrupted"))
            stack.callback(patient.process.kill)
            stack.callback(interrupted.process.kill)
            for submitted in (patient, interrupted):
                until_now(lambda: submitted.said() == "job_00000000000000000000000001\n", 30)  # noqa: B023 - it ends before the next turn
        for submitted in (patient, interrupted):
            until_now(lambda: submitted.said() == "job_00000000000000000000000001\nserver away, waiting\n", 30)  # noqa: B023
        interrupted.process.send_signal(signal.SIGINT)
        assert interrupted.process.wait(30) == Interrupted.exit_code
        command = f"{sys.executable} -m revela job job_00000000000000000000000001 --wait"
        assert f"the job goes on; follow it with: {command}" in interrupted.said()
        with serving(one_job(completed), listener=loopback_listener(port)):
            assert patient.process.wait(60) == 0, patient.said()


@pytest.mark.slow
def test_a_job_is_followed_from_before_its_server_is_there(tmp_path: Path) -> None:
    listener = loopback_listener()
    url, port = base_url(listener), listener.getsockname()[1]
    listener.close()
    with ExitStack() as stack:
        followed = Submitted(url, tmp_path / "followed", "job", JOB["id"])
        stack.callback(followed.process.kill)
        until_now(lambda: followed.said() == "server away, waiting\n", 30)
        with serving(one_job(completed), listener=loopback_listener(port)):
            assert followed.process.wait(60) == 0, followed.said()


def one_job(state: Callable[[], Response]) -> Starlette:
    """Return a server whose only job is in that state."""

    async def read(_request: Request) -> Response:
        return state()

    async def items(_request: Request) -> Response:
        return JSONResponse({"items": []})

    submit = Route("/v1/jobs", read, methods=["POST"])
    return Starlette(
        routes=[
            submit,
            Route("/v1/jobs/job_00000000000000000000000001", read),
            Route("/v1/jobs/job_00000000000000000000000001/items", items),
        ]
    )


class Submitted:
    """A command with --wait, `revela submit` or another, in a process of its own."""

    def __init__(self, url: str, err: Path, *command: str) -> None:
        words = command or ("submit", "img2vid", "--param", "fps=24")
        argv = [sys.executable, "-m", "revela", *words, "--wait", "--url", url, "--key", "k"]
        self._err = err
        with err.open("w") as file:
            self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=file)

    def said(self) -> str:
        """What stands on its standard error so far."""
        return self._err.read_text()

"""Submitting a job from the terminal, and following it to its end."""

from contextlib import nullcontext
from typing import Any

from revela.client import Client
from revela.failures import JobNotCompleted
from revela.job_display import live_bar, print_job, print_json
from shared.wire.job import JobView
from shared.wire.status import Status


def submit_job(url: str, key: str, request: dict[str, Any], *, wait: bool, as_json: bool) -> None:
    """Submit and print; with `wait`, JobNotCompleted unless the job is COMPLETED in the end."""
    with Client(url, key) as client:
        job = client.submit(request)
        if wait:
            job = _follow(client, job, quiet=as_json)
        if as_json:
            print_json(job)
        elif wait:
            print_job(job, client.items(job.id))
        else:
            print(f"{job.id}\nfollow it with: revela job {job.id}")
    if wait and job.status is not Status.COMPLETED:
        raise JobNotCompleted(f"{job.id} is {job.status.value}")


def _follow(client: Client, job: JobView, *, quiet: bool) -> JobView:
    with nullcontext(None) if quiet else live_bar() as report:
        return client.wait(job.id, report)

"""Submitting a job or looking at one, following it to its end and saving what it made."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from revela.called_as import called_as
from revela.client import Client
from revela.failures import JobNotCompleted, ServerRefused
from revela.jobs.display import print_job, print_json
from revela.jobs.follow import follow_job
from revela.jobs.request import job_request
from revela.jobs.save import make_folder, save_outputs
from revela.jobs.typed import as_typed
from shared.wire.job import JobView
from shared.wire.status import Status


@dataclass(frozen=True, slots=True)
class Typed:
    """What a job was asked for with: the operation, its parameters, the pictures or the file of items."""

    operation: str
    params: Sequence[str]
    images: Sequence[str]
    items: str | None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What shall become of a job here: whether it is followed, where outputs are saved, how it is shown."""

    wait: bool
    output: Path | None
    as_json: bool


def submit_job(url: str, key: str, typed: Typed, wishes: Wishes) -> None:
    """Submit, and with `wait` follow and show; JobNotCompleted unless the job is COMPLETED in the end."""
    request = job_request(typed.operation, typed.params, typed.images, typed.items)
    if wishes.output is not None:
        make_folder(wishes.output)
    with Client(url, key) as client:
        try:
            job = client.submit(request)
        except ServerRefused as refused:
            raise as_typed(refused, request, from_images=bool(typed.images)) from refused
        if wishes.wait:
            print(job.id, file=sys.stderr, flush=True)
            _show_ended(client, job, wishes)
        elif wishes.as_json:
            print_json(job)
        else:
            print(job.id, flush=True)
            print(f"follow it with: {called_as()} job {job.id} --wait", file=sys.stderr)


def show_job(url: str, key: str, job_id: str, wishes: Wishes) -> None:
    """Show a job as it is, or with `wait` as it is in the end: JobNotCompleted unless that is COMPLETED."""
    if wishes.output is not None:
        make_folder(wishes.output)
    with Client(url, key) as client:
        job = client.get(job_id)
        if wishes.wait:
            _show_ended(client, job, wishes)
        else:
            _show(client, job, wishes)


def _show_ended(client: Client, job: JobView, wishes: Wishes) -> None:
    job = follow_job(client, job, quiet=wishes.as_json)
    _show(client, job, wishes)
    if job.status is not Status.COMPLETED:
        raise JobNotCompleted(f"{job.id} is {job.status.value}")


def _show(client: Client, job: JobView, wishes: Wishes) -> None:
    """Print the job with all of its items, after their outputs are saved where that is wished."""
    job = job.model_copy(update={"items": list(client.items(job.id))})
    saved = None if wishes.output is None else save_outputs(client, job.items, wishes.output)
    if wishes.as_json:
        print_json(job, saved)
    else:
        print_job(job, saved or {})

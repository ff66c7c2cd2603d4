"""Submitting a job or looking at one, following it to its end and saving what it made."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from revela.called_as import called_as
from revela.client.blocking import Client
from revela.client.errors import Refused
from revela.client.patience import BRISK
from revela.failures import JobNotCompleted
from revela.jobs.asked.request import job_request
from revela.jobs.asked.typed import as_typed
from revela.jobs.display import print_job, print_json
from revela.jobs.follow import follow_job
from revela.jobs.plan import print_plan
from revela.jobs.save import make_folder, save_outputs
from revela.uploads.in_request import refuse_local_files, refuse_unsent, with_uploads
from revela.uploads.local_file import check_picture, is_local
from shared.wire.job import JobView
from shared.wire.status import Status


@dataclass(frozen=True, slots=True)
class Server:
    """Which server is asked, and with which key."""

    url: str
    key: str

    def client(self) -> Client:
        """Return a client that does not keep somebody at a terminal waiting for long."""
        return Client(self.url, self.key, patience=BRISK)


@dataclass(frozen=True, slots=True)
class Typed:
    """What a job was asked for with: the operation, its parameters, the pictures or the file of items."""

    operation: str
    params: Sequence[str]
    images: Sequence[str]
    items: str | None
    further: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of the request: labels, priority, webhook."""

    def request(self) -> dict[str, Any]:
        """Return the body of the request; UsageFault."""
        return job_request(self.operation, self.params, self.images, self.items, **self.further)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What shall become of a job here: whether it is followed, where outputs are saved, how it is shown."""

    wait: bool
    output: Path | None
    as_json: bool


def submit_job(server: Server, typed: Typed, wishes: Wishes, idempotency_key: str | None) -> None:
    """Submit, and with `wait` follow and show; JobNotCompleted unless the job is COMPLETED in the end."""
    request, from_images = typed.request(), bool(typed.images)
    for image in typed.images:
        check_picture(image)
    if wishes.output is not None:
        make_folder(wishes.output)
    with server.client() as client:
        try:
            sent = with_uploads(client, request, quiet=wishes.as_json, from_images=from_images)
            job = client.submit(sent, idempotency_key=idempotency_key)
        except Refused as refused:
            raise as_typed(refused, request, from_images=from_images) from refused
        show_new(client, job, wishes)


def plan_job(server: Server, typed: Typed, *, as_json: bool) -> None:
    """Show what a job would be; nothing is submitted or uploaded."""
    request, from_images = typed.request(), bool(typed.images)
    for image in filter(is_local, typed.images):
        refuse_unsent(image)
    with server.client() as client:
        refuse_local_files(client, request, from_images=from_images)
        try:
            plan = client.plan(request)
        except Refused as refused:
            raise as_typed(refused, request, from_images=from_images) from refused
    if as_json:
        print_json(plan)
    else:
        print_plan(plan)


def retry_job(server: Server, job_id: str, wishes: Wishes) -> None:
    """Submit the items of a job that did not complete anew, and go on as after a submit."""
    if wishes.output is not None:
        make_folder(wishes.output)
    with server.client() as client:
        show_new(client, client.retry(job_id), wishes)


def show_new(client: Client, job: JobView, wishes: Wishes) -> None:
    """Print the id of a job that was just made, or follow and show it where that is wished."""
    if wishes.wait:
        print(job.id, file=sys.stderr, flush=True)
        _show_ended(client, job.id, wishes, job)
    elif wishes.as_json:
        print_json(job)
    else:
        print(job.id, flush=True)
        print(f"follow it with: {called_as()} job {job.id} --wait", file=sys.stderr)


def show_job(server: Server, job_id: str, wishes: Wishes) -> None:
    """Show a job as it is, or with `wait` as it is in the end: JobNotCompleted unless that is COMPLETED."""
    if wishes.output is not None:
        make_folder(wishes.output)
    with server.client() as client:
        if wishes.wait:
            _show_ended(client, job_id, wishes)
        else:
            _show(client, client.get(job_id), wishes)


def _show_ended(client: Client, job_id: str, wishes: Wishes, known: JobView | None = None) -> None:
    job = follow_job(client, job_id, quiet=wishes.as_json, known=known)
    _show(client, job, wishes)
    if job.status is not Status.COMPLETED:
        raise JobNotCompleted(f"{job.id} is {job.status.value}")


def _show(client: Client, job: JobView, wishes: Wishes) -> None:
    """Print the job with all of its items, after their outputs are saved where that is wished."""
    job = job.model_copy(update={"items": list(client.items(job.id))})
    saved = None
    if wishes.output is not None:
        saved = save_outputs(client, job.items, wishes.output, quiet=wishes.as_json)
    if wishes.as_json:
        print_json(job, saved)
    else:
        print_job(job, saved or {})

"""Cancelling and deleting jobs."""

import sys
from collections.abc import Sequence

from revela.called_as import called_as
from revela.failures import NotConfirmed
from revela.jobs.display import print_job, print_json
from revela.jobs.follow import follow_job
from revela.jobs.submit import Server


def cancel_job(server: Server, job_id: str, *, wait: bool, as_json: bool) -> None:
    """Cancel a job and show what it is then; with `wait`, once its workers have stopped."""
    with server.client() as client:
        job = client.cancel(job_id)
        if wait:
            job = follow_job(client, job_id, quiet=True, known=job)
    if as_json:
        print_json(job)
    else:
        print_job(job, {})
        if not job.status.terminal:
            print(f"its workers are told to stop; see it with: {called_as()} job {job_id} --wait", file=sys.stderr)


def delete_jobs(server: Server, job_ids: Sequence[str], *, sure: bool) -> None:
    """Delete jobs with their outputs, each told on a line; a terminal is asked first, unless `sure`."""
    if not sure and sys.stdin.isatty():
        answer = input(f"Delete {', '.join(job_ids)} with all outputs? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            raise NotConfirmed
    with server.client() as client:
        for job_id in job_ids:
            client.delete(job_id)
            print(f"{job_id} is deleted", flush=True)

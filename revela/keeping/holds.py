"""Pinning jobs and putting them on legal hold."""

from revela.client.blocking import Client
from revela.client.patience import BRISK
from revela.jobs.display import print_json
from shared.wire.job import JobView


def pin_job(url: str, key: str, job_id: str, *, as_json: bool) -> None:
    """Keep a job's outputs."""
    with Client(url, key, patience=BRISK) as client:
        _show(client.pin(job_id), f"{job_id} is pinned: its outputs stay", as_json=as_json)


def unpin_job(url: str, key: str, job_id: str, *, as_json: bool) -> None:
    """Let a job's outputs go when their time is over, and say when that is."""
    with Client(url, key, patience=BRISK) as client:
        job = client.unpin(job_id)
    time = "they stay all the same" if job.expires_at is None else f"they go at {job.expires_at:%Y-%m-%d %H:%M} UTC"
    _show(job, f"{job_id} is not pinned: {time if job.completed_at else 'it has not ended yet'}", as_json=as_json)


def hold_job(url: str, key: str, job_id: str, reason: str, *, as_json: bool) -> None:
    """Put a job on legal hold."""
    with Client(url, key, patience=BRISK) as client:
        _show(client.hold(job_id, reason), f"{job_id} is on legal hold: nothing of it can be deleted", as_json=as_json)


def release_job(url: str, key: str, job_id: str, *, as_json: bool) -> None:
    """Release a job from its hold."""
    with Client(url, key, patience=BRISK) as client:
        _show(client.release(job_id), f"{job_id} is on no legal hold", as_json=as_json)


def _show(job: JobView, sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(job)
    else:
        print(sentence)

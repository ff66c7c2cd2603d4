"""`revela pin`, `unpin`, `hold`, `release`: keep a job's outputs, and let them go."""

from typing import Annotated

import typer

from revela.commands.submit import LOCAL_SERVER, AsJson, JobId, Key, Url


def pin(job_id: JobId, key: Key, url: Url = LOCAL_SERVER, as_json: AsJson = False) -> None:
    """Keep a job's outputs beyond their time."""
    from revela.keeping.holds import pin_job

    pin_job(url, key, job_id, as_json=as_json)


def unpin(job_id: JobId, key: Key, url: Url = LOCAL_SERVER, as_json: AsJson = False) -> None:
    """Let a job's outputs go when their time is over."""
    from revela.keeping.holds import unpin_job

    unpin_job(url, key, job_id, as_json=as_json)


def hold(
    job_id: JobId,
    key: Key,
    reason: Annotated[str, typer.Option(help="Why, for all who may read the job.", show_default=False)],
    url: Url = LOCAL_SERVER,
    as_json: AsJson = False,
) -> None:
    """Forbid to delete anything of a job, or what it was made from."""
    from revela.keeping.holds import hold_job

    hold_job(url, key, job_id, reason, as_json=as_json)


def release(job_id: JobId, key: Key, url: Url = LOCAL_SERVER, as_json: AsJson = False) -> None:
    """Release a job from its legal hold. Needs a key with the scope admin."""
    from revela.keeping.holds import release_job

    release_job(url, key, job_id, as_json=as_json)

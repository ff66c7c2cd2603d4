"""`revela job`, `jobs`, `cancel`, `delete`: look at jobs, end them."""

from pathlib import Path
from typing import Annotated

import typer

from revela.commands.submit import LOCAL_SERVER, AsJson, JobId, Key, Url, Wait


def job(
    job_id: JobId,
    key: Key,
    url: Url = LOCAL_SERVER,
    wait: Wait = False,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save here what is finished, named by item id.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one job and its items. With --wait the exit code is 0 only if it COMPLETED."""
    from revela.jobs.submit import Server, Wishes, show_job

    show_job(Server(url, key), job_id, Wishes(wait, output, as_json))


def jobs(
    key: Key,
    url: Url = LOCAL_SERVER,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    status: Annotated[str | None, typer.Option(help="Only those in this state, such as COMPLETED.")] = None,
    operation: Annotated[str | None, typer.Option(help="Only those of this operation.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Only those with this label; again for more.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only those made since then: 15m, 2h, 3d ago, or a date.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only those made before then.")] = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    from datetime import datetime

    from revela.jobs.asked.request import labels_named, moment_named, status_named
    from revela.jobs.listing import Wanted, list_jobs
    from revela.jobs.submit import Server

    now = datetime.now().astimezone()
    wanted = Wanted(
        limit,
        None if status is None else status_named(status),
        operation,
        labels_named(label or ()),
        None if since is None else moment_named("--since", since, now),
        None if until is None else moment_named("--until", until, now),
    )
    list_jobs(Server(url, key), wanted, as_json=as_json)


def cancel(
    job_id: JobId,
    key: Key,
    url: Url = LOCAL_SERVER,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until its workers have stopped.")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop a job; what it has finished stays."""
    from revela.jobs.act import cancel_job
    from revela.jobs.submit import Server

    cancel_job(Server(url, key), job_id, wait=wait, as_json=as_json)


def delete(
    job_ids: Annotated[list[str], typer.Argument(metavar="JOB...", help="Jobs that have ended.", show_default=False)],
    key: Key,
    url: Url = LOCAL_SERVER,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first; without a terminal nothing is asked.")] = False,
) -> None:
    """Delete jobs, with their outputs."""
    from revela.jobs.act import delete_jobs
    from revela.jobs.submit import Server

    delete_jobs(Server(url, key), job_ids, sure=yes)

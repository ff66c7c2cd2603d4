"""`revela job` and `revela jobs`: look at jobs."""

from pathlib import Path
from typing import Annotated

import typer

from revela.commands.submit import LOCAL_SERVER, AsJson, Key, Url


def job(
    job_id: Annotated[str, typer.Argument(help="The job's id.")],
    key: Key,
    url: Url = LOCAL_SERVER,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the job until it has ended.")] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save here what is finished, named by item id.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one job and its items. With --wait the exit code is 0 only if it COMPLETED."""
    from revela.jobs.submit import Wishes, show_job

    show_job(url, key, job_id, Wishes(wait, output, as_json))


def jobs(
    key: Key,
    url: Url = LOCAL_SERVER,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 20,
    status: Annotated[str | None, typer.Option(help="Only those in this state, such as COMPLETED.")] = None,
    operation: Annotated[str | None, typer.Option(help="Only those of this operation.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the newest jobs."""
    from revela.client import Client
    from revela.jobs.display import print_jobs, print_json
    from revela.jobs.request import status_named

    wanted = None if status is None else status_named(status)
    with Client(url, key) as client:
        found = client.jobs(limit=limit, status=wanted, operation=operation)
    if as_json:
        print_json(found)
    else:
        print_jobs(found)

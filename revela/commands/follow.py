"""`revela events` and `revela download`: what happens to a job, and what it made."""

from pathlib import Path
from typing import Annotated

import typer

from revela.commands.submit import LOCAL_SERVER, AsJson, JobId, Key, Url


def events(
    job_id: JobId,
    key: Key,
    url: Url = LOCAL_SERVER,
    after: Annotated[str | None, typer.Option(metavar="ID", help="Only those after this event.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object per line.")] = False,
) -> None:
    """Print what happened to a job and what happens, to its end."""
    from revela.jobs.events import print_events
    from revela.jobs.submit import Server

    print_events(Server(url, key), job_id, after, as_json=as_json)


def download(
    job_id: JobId,
    key: Key,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to.", show_default="here")] = Path(),
    url: Url = LOCAL_SERVER,
    as_json: AsJson = False,
) -> None:
    """Save what a job made, named by item id. Called again, it goes on where it broke off."""
    from revela.jobs.download import download_job
    from revela.jobs.submit import Server

    download_job(Server(url, key), job_id, folder, as_json=as_json)

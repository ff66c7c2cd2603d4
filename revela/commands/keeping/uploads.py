"""`revela uploads`: the files that were uploaded, listed and deleted."""

from enum import StrEnum
from typing import Annotated

import typer

from revela.commands.submit import LOCAL_SERVER, AsJson, Key, Url

uploads = typer.Typer(no_args_is_help=True, help="The files that you uploaded: list them, delete them.")


class State(StrEnum):
    """What has become of an upload, as `shared.uploads.upload` has it, which is too heavy for a command's help."""

    WAITING = "waiting"
    COMPLETED = "completed"
    REJECTED = "rejected"
    EXPIRED = "expired"


@uploads.command("list")
def list_(
    key: Key,
    url: Url = LOCAL_SERVER,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """List uploads, newest first."""
    from revela.jobs.submit import Server
    from revela.uploads.listing import list_uploads

    list_uploads(Server(url, key), limit, state, as_json=as_json)


@uploads.command()
def delete(
    uploads: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Uploads, as upl_… or upload://upl_….", show_default=False)
    ],
    key: Key,
    url: Url = LOCAL_SERVER,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first; without a terminal nothing is asked.")] = False,
) -> None:
    """Delete uploads and their files. One that a job needs stays until that has ended."""
    from revela.jobs.submit import Server
    from revela.uploads.listing import delete_uploads

    delete_uploads(Server(url, key), uploads, sure=yes)

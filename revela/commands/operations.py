"""`revela operations`: what a server can do."""

from typing import Annotated

import typer

from revela.commands.submit import LOCAL_SERVER, AsJson, Url


def operations(
    operation: Annotated[str | None, typer.Argument(help="Only this one.", show_default=False)] = None,
    url: Url = LOCAL_SERVER,
    as_json: AsJson = False,
) -> None:
    """List the operations and their parameters. Needs no key."""
    from revela.operations import list_operations

    list_operations(url, operation, as_json=as_json)

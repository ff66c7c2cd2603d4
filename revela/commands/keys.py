"""`revela keys`: who may use the server; works on its database directly."""

from pathlib import Path
from typing import Annotated

import typer

keys = typer.Typer(no_args_is_help=True, help="API keys and worker tokens, straight in the server's database.")

DataDir = Annotated[Path | None, typer.Option(help="The server's data directory [REVELA_DATA_DIR, or ./data].")]
AsJson = Annotated[bool, typer.Option("--json", help="Write only JSON.")]


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    tenant: Annotated[str, typer.Option(help="Whose jobs it sees: a-z, 0-9, - and _.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it may do: jobs:read, jobs:write, or admin, which includes both; again for more "
            "[jobs:read and jobs:write]."
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="When it ends by itself; a number and s, m, h, d or w, such as 30d [never]."),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key; it is shown this once."""
    from revela.keys import create_key

    create_key(data_dir, name, tenant, scope or [], expires, as_json=as_json)


@keys.command("list")
def list_(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the API keys; the keys themselves are not kept."""
    from revela.keys import list_keys

    list_keys(data_dir, tenant, as_json=as_json)


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `list` shows it.")], data_dir: DataDir = None
) -> None:
    """Revoke an API key; a running server refuses it within seconds."""
    from revela.keys import revoke_key

    revoke_key(data_dir, key_id)


@keys.command()
def worker(
    name: Annotated[str, typer.Argument(help="The worker's id: letters, digits, - and _.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make the token with which a worker joins this server's pool."""
    from revela.keys import create_worker_token

    create_worker_token(data_dir, name, as_json=as_json)

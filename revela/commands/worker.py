"""`revela worker`: join a pool with this machine."""

from typing import Annotated

import typer


def worker(
    url: Annotated[
        str,
        typer.Option(envvar="REVELA_ENDPOINT_URL", help="The pool: http://HOST:PORT[/v2/local].", show_default=False),
    ],
    token: Annotated[
        str, typer.Option(envvar="REVELA_WORKER_TOKEN", help="From `revela keys worker NAME`.", show_default=False)
    ],
    worker_id: Annotated[str, typer.Option("--id", help="The name that the token was made for.")],
) -> None:
    """Join a pool: take tasks here until interrupted. A second Ctrl-C does not wait for the running task."""
    from revela.pool_worker import join_pool

    join_pool(url, worker_id, token)

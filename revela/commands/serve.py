"""`revela serve`: the orchestrator with its pool, here."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = 3000,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where database, secret and outputs lie [REVELA_DATA_DIR, or ./data].")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, max=64, help="Local workers, started on demand [REVELA_LOCAL_WORKERS, or 0].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say that it is ready as one JSON object.")] = False,
) -> None:
    """Run the orchestrator and its pool here until interrupted."""
    from revela.server import Listen, serve_forever

    serve_forever(Listen(host, port), data_dir=data_dir, workers=workers, as_json=as_json)

"""`revela demo`: see it work."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    photos: Annotated[
        list[Path] | None, typer.Argument(metavar="PHOTO", help="Your photos [pictures that it draws itself].")
    ] = None,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Where the videos are saved.")] = Path("revela-demo"),
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave it serving until interrupted, and keep its data.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Small, short and few.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write only JSON.")] = False,
) -> None:
    """Turn photos into videos, all of it here.

    Starts server and worker, runs one batch, checks every frame, and stops.
    """
    from revela.demo.run import Wishes, run_demo

    run_demo(Wishes(photos or (), output, keep=keep, quick=quick, as_json=as_json))

"""`revela submit`: give a server a job."""

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[str, typer.Option(envvar="REVELA_URL", help="The server's address.")]
Key = Annotated[str, typer.Option(envvar="REVELA_API_KEY", help="An API key of the server.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Write only JSON.")]

LOCAL_SERVER = "http://127.0.0.1:3000"


def submit(
    operation: Annotated[str, typer.Argument(help="What to do, such as img2vid; `revela operations` lists them.")],
    key: Key,
    url: Url = LOCAL_SERVER,
    param: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A parameter of every item; JSON values are read.")
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="A picture: one item for each, again for more. Its file's name is the item's id: "
            "beach for …/beach.jpg, and beach-2 for a second one.",
        ),
    ] = None,
    items: Annotated[
        str | None,
        typer.Option(metavar="FILE.json", help="A JSON list of items, each with its id; - reads standard input."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the job until it has ended.")] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Wait, then save the outputs here, named by item id.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Submit a job. With --wait the exit code is 0 only if it COMPLETED.

    Without --image and --items there is one item, of --param alone, with the id 0.
    """
    from revela.jobs.submit import Typed, Wishes, submit_job

    typed = Typed(operation, param or (), image or (), items)
    submit_job(url, key, typed, Wishes(wait or output is not None, output, as_json))

"""`revela submit`: give a server a job."""

from typing import Annotated

import typer

Url = Annotated[str, typer.Option(envvar="REVELA_URL", help="The server's address.")]
Key = Annotated[str, typer.Option(envvar="REVELA_API_KEY", help="An API key of the server.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Write only JSON.")]

LOCAL_SERVER = "http://127.0.0.1:3000"


def submit(
    operation: Annotated[str, typer.Argument(help="What to do, such as img2vid.")],
    key: Key,
    url: Url = LOCAL_SERVER,
    param: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A parameter of every item; JSON values are read.")
    ] = None,
    image: Annotated[list[str] | None, typer.Option(metavar="URL", help="A picture: one item for each.")] = None,
    items: Annotated[
        str | None, typer.Option(metavar="FILE.json", help="A JSON list of items; - reads standard input.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the job until it has ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Submit a job. With --wait the exit code is 0 only if it COMPLETED."""
    from revela.job_request import job_request
    from revela.submit import submit_job

    submit_job(url, key, job_request(operation, param or (), image or (), items), wait=wait, as_json=as_json)

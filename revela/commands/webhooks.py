"""`revela webhooks`: receive signed events, see how they were delivered, change the secret that signs them."""

from typing import Annotated

import typer

from revela.commands.keys import DataDir
from revela.commands.submit import LOCAL_SERVER, AsJson, JobId, Key, Url

webhooks = typer.Typer(no_args_is_help=True, help="Receive signed events, see deliveries, change the secret.")


@webhooks.command()
def listen(
    port: Annotated[
        int, typer.Argument(min=0, max=65_535, help="Where to listen on this machine; 0 takes a free one.")
    ],
    secret: Annotated[
        list[str],
        typer.Option(
            envvar="REVELA_WEBHOOK_SECRET",
            help="The tenant's webhook secret; again for a second one.",
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Receive webhooks on this machine until Ctrl-C. Those to 127.0.0.1 that are genuine are printed."""
    from revela.webhooks.listen import listen_until_interrupted

    listen_until_interrupted(port, secret, as_json=as_json)


@webhooks.command()
def deliveries(job_id: JobId, key: Key, url: Url = LOCAL_SERVER, as_json: AsJson = False) -> None:
    """Show a job's events and every try of sending them."""
    from revela.webhooks.deliveries import show_deliveries

    show_deliveries(url, key, job_id, as_json=as_json)


@webhooks.command()
def redeliver(
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="The event's id, as `deliveries` shows it.")],
    key: Key,
    url: Url = LOCAL_SERVER,
    as_json: AsJson = False,
) -> None:
    """Send an event once more, with the same id."""
    from revela.webhooks.deliveries import send_again

    send_again(url, key, delivery_id, as_json=as_json)


@webhooks.command()
def rotate(
    tenant: Annotated[str, typer.Option(help="Whose secret.")],
    previous_valid_s: Annotated[
        int, typer.Option(min=0, max=604_800, help="How long the old one signs as well; 0 if it has leaked.")
    ] = 86_400,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Change a tenant's webhook secret. It changes straight in the server's database, and is shown this once."""
    from revela.webhooks.rotate import rotate_tenant_secret

    rotate_tenant_secret(data_dir, tenant, previous_valid_s, as_json=as_json)

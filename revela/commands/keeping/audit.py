"""`revela audit`: who deleted, kept, made or ended what."""

from typing import Annotated

import typer

from revela.commands.submit import LOCAL_SERVER, AsJson, Key, Url


def audit(
    key: Key,
    url: Url = LOCAL_SERVER,
    action: Annotated[str | None, typer.Option(help="Only what was done so, such as job.deleted.")] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what was done to this: a job, an upload, a key, a tenant.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show the audit log, newest first. Needs a key with the scope admin."""
    from revela.keeping.audit_log import show_audit

    show_audit(url, key, action, subject, limit, as_json=as_json)

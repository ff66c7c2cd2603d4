"""`revela doctor`: what works here."""

from typing import Annotated

import typer


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Write only JSON.")] = False) -> None:
    """Say what works on this machine, and how to mend what does not. Exit code 1 if something needed is broken."""
    from revela.doctor.report import report

    report(as_json=as_json)

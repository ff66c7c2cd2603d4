"""`revela doctor`: what works here."""

from revela.commands.keys import AsJson, DataDir


def doctor(
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say what works on this machine, and how to mend what does not. Exit code 1 if something needed is broken."""
    from revela.doctor.report import report

    report(data_dir, as_json=as_json)

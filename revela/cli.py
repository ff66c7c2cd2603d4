"""The `revela` command: its subcommands, and what an error looks like. Nothing heavy is imported here."""

import os
import sys
from typing import Annotated

import typer

from revela.command_groups import SectionedCommands, example_text
from revela.commands.demo import demo
from revela.commands.doctor import doctor
from revela.commands.follow import download, events
from revela.commands.jobs import cancel, delete, job, jobs
from revela.commands.keeping.audit import audit
from revela.commands.keeping.holds import hold, pin, release, unpin
from revela.commands.keeping.storage import storage
from revela.commands.keeping.uploads import uploads
from revela.commands.keys import keys
from revela.commands.migrate import migrate
from revela.commands.operations import operations
from revela.commands.serve import serve
from revela.commands.submit import retry, submit, upload
from revela.commands.tenants import tenants
from revela.commands.webhooks import webhooks
from revela.commands.worker import worker

app = typer.Typer(
    name="revela",
    cls=SectionedCommands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_JOBS = (submit, upload, job, jobs, events, download, cancel, retry, delete, operations)
_KEEPING = (pin, unpin, hold, release, audit)
for _command in (demo, doctor, *_JOBS, *_KEEPING, serve, worker, migrate):
    app.command(epilog=example_text(_command.__name__))(_command)
_GROUPS = (("uploads", uploads), ("keys", keys), ("tenants", tenants), ("storage", storage), ("webhooks", webhooks))
for _name, _group in _GROUPS:
    for _part in _group.registered_commands:
        _part.epilog = example_text(f"{_name} {_part.name or _part.callback.__name__}")  # type: ignore[union-attr]
    app.add_typer(_group, name=_name)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("revela"))
        raise typer.Exit


@app.callback()
def revela(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Media jobs on GPUs that are paid for only while they work."""


def main() -> None:
    """Run the command line; a known error is one clear line on standard error and its exit code.

    So is what the machine refuses (OSError): code 1.
    """
    from shared.errors import RevelaError

    try:
        app()
    except RevelaError as error:
        from revela.failures import ReaderGone, exit_code_of, message_of

        if isinstance(error, ReaderGone):
            # What is still unwritten would make a noise of its own at the very end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        else:
            print(f"revela: {message_of(error)}", file=sys.stderr)
        sys.exit(exit_code_of(error))
    except OSError as error:
        # A full disk, a folder that can't be made: the machine's state, no fault of ours that a stack would explain.
        where = f"{error.filename}: " if error.filename else ""
        print(f"revela: {where}{error.strerror or error}", file=sys.stderr)
        sys.exit(1)

"""`revela storage`: compare the storage with the database, and print rules for the bucket."""

from typing import Annotated

import typer

from revela.commands.keys import AsJson, DataDir

storage = typer.Typer(no_args_is_help=True, help="The server's storage: is everything there, and nothing else?")


@storage.command()
def check(
    repair: Annotated[
        bool, typer.Option("--repair", help="Delete the orphans, mark what is lost; never what is on legal hold.")
    ] = False,
    grace: Annotated[
        str,
        typer.Option(
            metavar="SPAN",
            help="A younger object is no orphan yet; a number and s, m, h, d or w, such as 90s, 12h or 7d.",
        ),
    ] = "1d",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first; without a terminal nothing is asked.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Repair even where storage and database have nothing in common.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Find objects without a row, and rows without their objects. Exit code 1 if there are any that stay."""
    from revela.keeping.check import Wishes, check_storage

    check_storage(data_dir, grace, Wishes(repair, yes, force, as_json))


@storage.command()
def lifecycle(
    abort_days: Annotated[int, typer.Option(min=1, help="When uploads that never ended are dropped.")] = 8,
    expire_days: Annotated[
        int | None,
        typer.Option(
            min=366, help="When every object is dropped, pinned and held ones too: the bucket knows neither [never]."
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Print a lifecycle rule for the bucket. `aws s3api put-bucket-lifecycle-configuration` takes it."""
    from revela.keeping.lifecycle import print_lifecycle

    print_lifecycle(data_dir, abort_days, expire_days)

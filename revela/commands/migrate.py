"""`revela migrate`: bring the database to this release's schema."""

from pathlib import Path
from typing import Annotated

import typer


def migrate(
    data_dir: Annotated[Path | None, typer.Option(help="Where the database lies [REVELA_DATA_DIR, or ./data].")] = None,
) -> None:
    """Bring the database to this release's schema.

    `revela serve` does it by itself.
    """
    from orchestrator.store.migrate import HEAD, upgrade
    from revela.server_settings import existing_data

    changed = upgrade(existing_data(data_dir, may_create=True).resolved_database_url)
    print(f"migrated to {HEAD}" if changed else f"nothing to do, the database is at {HEAD}")

"""Bringing a database to this release's schema. Alembic is imported only when there is something to do."""

from pathlib import Path

import sqlalchemy as sa

from orchestrator.store.engines import open_engines, transaction

HEAD = "0003"
"""The newest migration; a test compares it with the files."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def current_revision(connection: sa.Connection) -> str | None:
    """Return the revision that the database is at; None for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(url: str) -> bool:
    """Migrate to `HEAD`; return whether anything was done. Two processes at once: one waits for the other."""
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    writer, reader = open_engines(url)
    try:
        with transaction(reader) as connection:
            if current_revision(connection) == HEAD:
                return False
        with transaction(writer) as connection:
            if current_revision(connection) == HEAD:
                return False
            _run_alembic(connection)
            return True
    finally:
        writer.dispose()
        reader.dispose()


def _run_alembic(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)

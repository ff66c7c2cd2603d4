"""Migrations and models agree."""

import threading
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from orchestrator.store.engines import open_engines
from orchestrator.store.migrate import HEAD, upgrade
from orchestrator.store.tables import metadata

MIGRATIONS = Path(upgrade.__code__.co_filename).parent / "migrations"


def test_the_migrations_make_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'revela.db'}"
    assert upgrade(url)
    writer, _ = open_engines(url)
    with writer.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_a_second_upgrade_does_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'revela.db'}"
    assert upgrade(url)
    assert not upgrade(url)


def test_two_processes_at_once_migrate_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'revela.db'}"
    done: list[bool] = []
    threads = [threading.Thread(target=lambda: done.append(upgrade(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False, False, False, True]


def test_every_table_but_the_pools_carries_the_tenant() -> None:
    without = {name for name, table in metadata.tables.items() if "tenant" not in table.columns}
    assert without == {"pool_jobs", "pool_workers"}

"""Migrations and models agree."""

import threading
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from orchestrator.store import tables
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


def test_what_an_older_release_had_stored_is_kept_and_can_be_used(tmp_path: Path) -> None:
    writer, _ = open_engines(f"sqlite:///{tmp_path / 'revela.db'}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with writer.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO jobs (id, tenant, key_id, operation, operation_version, status, priority, labels, items_total,"
            " items_failed, created_ms, queue_deadline_ms) VALUES ('job_1', 'acme', 'k', 'echo', 1, 'IN_PROGRESS', 1,"
            ' \'{"order": "A-17"}\', 3, 1, 5, 9)'
        )
        connection.exec_driver_sql(
            "INSERT INTO items (job_id, n, tenant, item_id, task_id, status, params, outputs, result)"
            " VALUES ('job_1', 0, 'acme', 'i0', 'task_1', 'IN_PROGRESS', '{}', '{}', '{}')"
        )
        connection.exec_driver_sql(
            "INSERT INTO keys (id, tenant, name, secret_hash, scopes, created_ms)"
            " VALUES ('k', 'new', 'n', x'00', '[]', 7)"
        )
    writer.dispose()
    assert upgrade(f"sqlite:///{tmp_path / 'revela.db'}")
    writer, _ = open_engines(f"sqlite:///{tmp_path / 'revela.db'}")
    with writer.connect() as connection:
        assert connection.execute(sa.select(tables.items.c.item_id)).scalars().all() == ["i0"]
        labels = connection.execute(sa.select(tables.job_labels)).mappings().all()
        assert list(map(dict, labels)) == [{"job_id": "job_1", "name": "order", "tenant": "acme", "value": "A-17"}]
        known = sa.select(tables.tenants.c.tenant, tables.tenants.c.created_ms, tables.tenants.c.open_items)
        assert sorted(map(tuple, connection.execute(known))) == [("acme", 5, 2), ("new", 7, 0)]
    writer.dispose()


def test_every_table_but_the_pools_carries_the_tenant() -> None:
    without = {name for name, table in metadata.tables.items() if "tenant" not in table.columns}
    assert without == {"pool_jobs", "pool_workers"}

"""Statements that bypass SQLAlchemy's execution give and take the same values."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from orchestrator.store.prepared import Prepared, given
from orchestrator.store.tables import events, jobs
from shared.clock import ManualClock
from shared.errors import StoreUnavailable
from shared.wire.status import Status
from tests.orchestrator.store.stored_jobs import open_store, store_job

COLUMNS = [column.name for column in jobs.columns]


async def test_a_row_is_the_one_that_sqlalchemy_reads(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        job = await store_job(store, ManualClock(), labels={"order": "é"})
        select = sa.select(jobs).where(jobs.c.id == given("job_id"), jobs.c.status.in_((Status.IN_QUEUE, "x")))
        ours = await store.read(lambda c: Prepared(select).all(c, {"job_id": job.id}))
        theirs = await store.read(lambda c: c.execute(sa.select(jobs)).one())
        assert [tuple(row) for row in ours] == [tuple(theirs)]
        assert ours[0].labels == {"order": "é"}
        assert ours[0]._fields == tuple(COLUMNS)
        assert await store.read(lambda c: Prepared(select).first(c, {"job_id": "other"})) is None


async def test_values_are_written_as_sqlalchemy_writes_them(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        job = await store_job(store, ManualClock())
        error: dict[str, Any] = {"code": "x"}
        change = Prepared(
            jobs.update()
            .where(jobs.c.id == given("job_id"))
            .values(error=given("error"), version=jobs.c.version + 1, labels={"fixed": "1"}, webhook=None)
        )
        for told in (error, None):
            assert await store.write(lambda c, told=told: change.change(c, {"job_id": job.id, "error": told})) == 1  # type: ignore[misc]
            row = await store.read(lambda c: c.execute(sa.select(jobs)).one())
            assert (row.error, row.labels) == (told, {"fixed": "1"})
        assert row.version == 3
        assert await store.read(lambda c: c.execute(sa.select(jobs.c.id).where(jobs.c.error.is_(None))).all())
        assert await store.write(lambda c: change.change(c, {"job_id": "other", "error": None})) == 0


async def test_many_rows_are_inserted_by_name(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        job = await store_job(store, ManualClock())
        insert = Prepared(events.insert())
        rows = [{"tenant": "t", "job_id": job.id, "type": "item", "data": {"n": n}, "at_ms": n} for n in (1, 2)]
        await store.write(lambda c: insert.change_many(c, rows))
        await store.write(lambda c: insert.change_many(c, []))
        found = await store.read(lambda c: c.execute(sa.select(events).where(events.c.type == "item")).all())
        assert [(row.data, row.at_ms, row.tenant) for row in found] == [({"n": 1}, 1, "t"), ({"n": 2}, 2, "t")]


async def test_a_value_that_is_not_given_is_a_defect_and_not_null(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        with pytest.raises(KeyError):
            await store.read(lambda c: Prepared(sa.select(jobs).where(jobs.c.id == given("job_id"))).all(c, {}))


async def test_the_driver_s_errors_do_not_escape(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await store.write(lambda c: c.exec_driver_sql("DROP TABLE job_labels"))
        await store.write(lambda c: c.exec_driver_sql("DROP TABLE jobs"))
        with pytest.raises(StoreUnavailable):
            await store.read(lambda c: Prepared(sa.select(jobs)).all(c, {}))
        with pytest.raises(StoreUnavailable):
            await store.write(lambda c: Prepared(jobs.insert()).change_many(c, [{"id": "x"}]))

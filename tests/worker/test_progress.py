"""How a task's progress is put together."""

import time
from math import inf, nan

import pytest

from shared.wire.progress import ProgressSnapshot
from worker import progress
from worker.progress import ItemProgress, TaskProgress


def snapshot(task: TaskProgress) -> ProgressSnapshot | None:
    """Return what is reported now, if anything."""
    seen: list[ProgressSnapshot] = []
    task.report_if_due(seen.append)
    return seen[0] if seen else None


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the limit of two reports a second."""
    monkeypatch.setattr(progress, "REPORT_EVERY_S", 0.0)


def test_item_never_goes_back_and_stays_within_its_bounds() -> None:
    item = ItemProgress()
    for fraction, expected in [(0.5, 0.5), (0.2, 0.5), (nan, 0.5), (-inf, 0.5), (inf, 1.0)]:
        item.update("encode", fraction)
        assert item.state == ("encode", expected)


def test_percent_is_of_all_items_and_the_stage_is_of_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)
    task = TaskProgress(["a", "b", "c", "d"])
    task.item("a").update("upload", 0.95)
    task.item("b").update("encode", 0.4)
    task.item("c").update("fetch", 0.0)
    task.item("a").committed = True
    first = snapshot(task)
    assert first is not None
    assert (first.stage, first.percent, first.committed) == ("encode", 33.8, ["a"])


def test_same_news_is_not_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)
    task = TaskProgress(["a"])
    first = snapshot(task)
    assert first is not None
    assert snapshot(task) is None
    task.item("a").update("encode", 0.5)
    second = snapshot(task)
    assert second is not None
    assert second.seq == first.seq + 1


def test_news_within_half_a_second_waits() -> None:
    task = TaskProgress(["a"])
    assert snapshot(task) is not None
    task.item("a").update("encode", 0.5)
    assert snapshot(task) is None


def test_all_items_done_is_a_hundred_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)
    task = TaskProgress(["a", "b"])
    for name in "ab":
        task.item(name).update("finish", 1.0)
    last = snapshot(task)
    assert last is not None
    assert (last.percent, last.stage) == (100.0, "finish")


def test_what_a_second_worker_reports_of_the_same_attempt_is_newer(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)
    before = snapshot(TaskProgress(["a"]))
    time.sleep(0.002)
    after = snapshot(TaskProgress(["a"]))
    assert before is not None
    assert after is not None
    assert after.seq > before.seq

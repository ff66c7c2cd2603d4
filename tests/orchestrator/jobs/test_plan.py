"""Cutting a job into tasks."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.jobs.plan import MAX_TASK_ITEMS, plan_tasks

costs = st.lists(st.floats(0.01, 400), min_size=1, max_size=300)


@given(costs, st.integers(1, 20))
def test_tasks_hold_every_item_once_in_order(costs_s: list[float], workers: int) -> None:
    tasks = plan_tasks(costs_s, workers)
    assert [n for task in tasks for n in task] == list(range(len(costs_s)))


@given(costs, st.integers(1, 20))
def test_no_task_is_too_long_and_no_worker_idles(costs_s: list[float], workers: int) -> None:
    tasks = plan_tasks(costs_s, workers)
    assert all(1 <= len(task) <= MAX_TASK_ITEMS for task in tasks)
    assert len(tasks) >= min(len(costs_s), workers)


def test_equal_items_are_cut_into_tasks_of_20_to_60_seconds() -> None:
    tasks = plan_tasks([2.5] * 1000, 3)
    assert all(20 <= 2.5 * len(task) <= 60 for task in tasks)


def test_a_small_batch_for_one_worker_is_one_task() -> None:
    assert plan_tasks([2.5] * 6, 1) == [range(6)]


def test_one_long_item_does_not_keep_its_neighbours_waiting() -> None:
    assert plan_tasks([100.0, *[1.0] * 99], 2)[0] == range(1)

"""Cutting a job into tasks: what one worker takes at once."""

from collections.abc import Sequence
from math import ceil

TARGET_S = 40.0
"""A task is about 20–60 s of work: the SDK idles about 0.9 s between tasks, so tiny ones waste a GPU."""
MAX_TASK_ITEMS = 50


def plan_tasks(costs_s: Sequence[float], max_workers: int) -> list[range]:
    """Return consecutive ranges of item positions, one a task, of about equal cost.

    `costs_s` holds each item's expected seconds. There are at least min(items, `max_workers`) tasks, so that no
    worker idles, and none has more than 50 items.
    """
    count = len(costs_s)
    wanted = max(ceil(sum(costs_s) / TARGET_S), min(count, max_workers), ceil(count / MAX_TASK_ITEMS))
    tasks: list[range] = []
    start, rest_s = 0, sum(costs_s)
    while start < count:
        tasks_left = max(1, min(wanted - len(tasks), count - start))
        end = _end_of_task(costs_s, start, share_s=rest_s / tasks_left, latest=count - tasks_left + 1)
        tasks.append(range(start, end))
        rest_s -= sum(costs_s[start:end])
        start = end
    return tasks


def _end_of_task(costs_s: Sequence[float], start: int, share_s: float, latest: int) -> int:
    """Return where a task that begins at `start` ends: when one more item would take it past its share."""
    end, cost_s = start + 1, costs_s[start]
    latest = min(latest, start + MAX_TASK_ITEMS)
    while end < latest and cost_s + costs_s[end] / 2 <= share_s:
        cost_s += costs_s[end]
        end += 1
    return end

"""Ids and clocks."""

import re

from shared.clock import ManualClock, SystemClock, to_datetime
from shared.ids import new_job_id, new_task_ids, new_ulid


def test_ids_sort_by_the_time_they_were_made() -> None:
    clock = ManualClock()
    ids = []
    for _ in range(50):
        ids.append(new_job_id(clock))
        clock.advance(0.001)
    assert ids == sorted(ids)
    assert all(re.fullmatch(r"job_[0-9A-HJKMNP-TV-Z]{26}", made) for made in ids)


def test_ids_of_one_millisecond_differ() -> None:
    clock = ManualClock()
    assert len({new_job_id(clock) for _ in range(1000)}) == 1000


def test_the_tasks_of_one_job_sort_in_their_order_though_made_within_one_millisecond() -> None:
    clock = ManualClock()
    first, second = new_task_ids(clock, 1000), new_task_ids(clock, 1000)
    assert first == sorted(first)
    assert len({*first, *second}) == 2000
    assert all(re.fullmatch(r"task_[0-9A-HJKMNP-TV-Z]{26}", made) for made in first)


def test_time_is_readable_from_a_ulid() -> None:
    """The first ten characters are 48 bits of milliseconds, as in the example of the ULID specification."""
    assert new_ulid(ManualClock(1469918176385)).startswith("01ARYZ6S41")


def test_system_clock_tells_utc_milliseconds() -> None:
    moment = to_datetime(SystemClock().now_ms())
    assert 2025 < moment.year < 2200
    assert moment.utcoffset() is not None
    assert to_datetime(0).isoformat() == "1970-01-01T00:00:00+00:00"

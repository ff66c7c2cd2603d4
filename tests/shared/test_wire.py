"""Messages: strict from clients, kind between our own parts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.wire.job import MAX_ITEMS, JobRequest
from shared.wire.progress import ProgressSnapshot
from shared.wire.result import ItemResult
from shared.wire.status import Status, job_status

ENDS = [status for status in Status if status.terminal and status != Status.COMPLETED_WITH_ERRORS]


def request(**changes: Any) -> JobRequest:
    """Return a small job request."""
    return JobRequest.model_validate({"operation": "img2vid", "input": {"image": "upload://u"}, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"operation": "../x"},
        {"operation": 7},
        {"input": None},
        {"items": [{"id": "a"}]},
        {"input": None, "items": []},
        {"input": None, "items": [{"id": "a b"}]},
        {"input": None, "items": [{"id": ""}]},
        {"input": None, "items": [{"id": "a" * 129}]},
        {"input": None, "items": [{"id": "a\n"}]},
        {"input": None, "items": [{"id": 7}]},
        {"input": None, "items": [{}]},
        {"input": None, "items": [{"id": str(n)} for n in range(MAX_ITEMS + 1)]},
        {"priority": "urgent"},
        {"labels": {str(n): "x" for n in range(17)}},
        {"labels": {"a": 7}},
        {"queue_ttl_s": 59},
        {"queue_ttl_s": float("nan")},
    ],
)
def test_request_that_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        request(**changes)


def test_input_is_short_for_one_item_and_defaults_lie_under_each() -> None:
    assert request(defaults={"fps": 24, "image": "x"}).all_items() == [("0", {"fps": 24, "image": "upload://u"})]
    several = request(input=None, items=[{"id": "a", "fps": 30}, {"id": "b"}], defaults={"fps": 24})
    assert several.all_items() == [("a", {"fps": 30}), ("b", {"fps": 24})]


def test_messages_between_our_parts_may_be_a_release_ahead() -> None:
    snapshot = ProgressSnapshot.model_validate({"seq": 1, "stage": "x", "percent": 5, "mood": "good", "version": 2})
    assert snapshot.version == 2
    assert "mood" not in snapshot.model_dump()


@pytest.mark.parametrize("percent", [-1, 101, float("nan"), float("inf")])
def test_progress_outside_its_bounds_is_refused(percent: float) -> None:
    with pytest.raises(ValidationError):
        ProgressSnapshot(seq=1, stage="x", percent=percent)


def test_result_survives_its_way_as_json() -> None:
    result = ItemResult(
        task_id="t", attempt=1, item_id="é", status="COMPLETED", operation_version=1, engine_version="1"
    )
    assert ItemResult.model_validate_json(result.model_dump_json()) == result


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(ENDS), min_size=1), st.booleans())
def test_job_ends_by_the_rule_and_always_terminally(items: list[Status], cancelled: bool) -> None:
    status = job_status(items, cancelled=cancelled)
    assert status.terminal
    if set(items) == {Status.COMPLETED}:
        assert status == Status.COMPLETED
    elif cancelled:
        assert status == Status.CANCELLED
    elif Status.COMPLETED in items:
        assert status == Status.COMPLETED_WITH_ERRORS
    elif set(items) == {Status.TIMED_OUT}:
        assert status == Status.TIMED_OUT
    else:
        assert status == Status.FAILED

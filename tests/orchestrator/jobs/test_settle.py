"""What an attempt's end means for its items."""

from itertools import product

import pytest

from orchestrator.jobs.settle import OpenItem, settle
from orchestrator.jobs.states import AttemptEnd
from shared.wire.problem import ErrorInfo
from shared.wire.result import ItemResult, StoredOutput
from shared.wire.status import Status, job_status

ITEMS = [OpenItem(0, "a"), OpenItem(1, "b")]


def result(item_id: str, code: str | None = None, *, retryable: bool = False) -> ItemResult:
    error = None if code is None else ErrorInfo(code=code, detail="…", retryable=retryable, stage="run")
    return ItemResult(
        task_id="t",
        attempt=1,
        item_id=item_id,
        status="COMPLETED" if error is None else "FAILED",
        outputs={"text": StoredOutput(key="k", content_type="text/plain", size_bytes=1, sha256="0")}
        if not error
        else {},
        result={"text": {"characters": 1}, "pid": 7},
        error=error,
        operation_version=1,
        engine_version="0",
    )


def test_committed_items_complete_however_the_attempt_ended() -> None:
    for end in AttemptEnd:
        settled = settle(ITEMS, {"a": result("a"), "b": result("b")}, end, attempts_left=2)
        assert [item.status for item in settled.ended] == [Status.COMPLETED] * 2
        assert not settled.retry


def test_an_item_without_a_result_is_tried_again() -> None:
    settled = settle(ITEMS, {"a": result("a")}, AttemptEnd.FAILED, attempts_left=1)
    assert [item.id for item in settled.ended] == ["a"]
    assert settled.retry


def test_a_failure_that_may_pass_is_tried_again_and_kept_at_last() -> None:
    failed = {"a": result("a", "source-unavailable", retryable=True), "b": result("b")}
    assert settle(ITEMS, failed, AttemptEnd.COMPLETED, attempts_left=1).retry
    last = settle(ITEMS, failed, AttemptEnd.COMPLETED, attempts_left=0)
    assert [item.error and item.error.code for item in last.ended] == ["source-unavailable", None]


def test_a_failure_for_good_is_not_tried_again() -> None:
    settled = settle(
        ITEMS, {"a": result("a", "media-corrupt"), "b": result("b")}, AttemptEnd.COMPLETED, attempts_left=2
    )
    assert not settled.retry
    assert settled.ended[0].status is Status.FAILED


@pytest.mark.parametrize(
    ("end", "status", "code"),
    [
        (AttemptEnd.LOST, Status.FAILED, "attempts-exhausted"),
        (AttemptEnd.FAILED, Status.FAILED, "attempts-exhausted"),
        (AttemptEnd.TIMED_OUT, Status.TIMED_OUT, "timed-out"),
        (AttemptEnd.CANCELLED, Status.CANCELLED, "cancelled"),
    ],
)
def test_the_last_attempt_decides(end: AttemptEnd, status: Status, code: str) -> None:
    settled = settle(ITEMS, {}, end, attempts_left=0)
    assert {(item.status, item.error and item.error.code) for item in settled.ended} == {(status, code)}


def test_a_cancelled_job_is_not_tried_again_and_keeps_what_is_done() -> None:
    settled = settle(ITEMS, {"a": result("a")}, AttemptEnd.LOST, attempts_left=2, cancelled=True)
    assert [item.status for item in settled.ended] == [Status.COMPLETED, Status.CANCELLED]
    assert not settled.retry


def test_facts_named_like_a_slot_go_with_its_file() -> None:
    [end, _] = settle(ITEMS, {"a": result("a")}, AttemptEnd.COMPLETED, attempts_left=0).ended
    assert end.outputs["text"]["facts"] == {"characters": 1}
    assert end.result == {"pid": 7}


@pytest.mark.parametrize(
    ("items", "cancelled", "expected"),
    [
        ("CC", False, Status.COMPLETED),
        ("CC", True, Status.COMPLETED),
        ("CX", True, Status.CANCELLED),
        ("CF", False, Status.COMPLETED_WITH_ERRORS),
        ("CT", False, Status.COMPLETED_WITH_ERRORS),
        ("TT", False, Status.TIMED_OUT),
        ("FT", False, Status.FAILED),
        ("FF", False, Status.FAILED),
    ],
)
def test_a_jobs_status_follows_from_its_items(items: str, cancelled: bool, expected: Status) -> None:
    words = {"C": Status.COMPLETED, "F": Status.FAILED, "T": Status.TIMED_OUT, "X": Status.CANCELLED}
    assert job_status([words[letter] for letter in items], cancelled=cancelled) is expected


def test_every_combination_ends_in_a_terminal_status() -> None:
    ends = [Status.COMPLETED, Status.FAILED, Status.TIMED_OUT, Status.CANCELLED]
    assert all(job_status(pair, cancelled=flag).terminal for pair in product(ends, ends) for flag in (True, False))

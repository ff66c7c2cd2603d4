"""What is tried again, how often, and after what pauses."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import httpx
import pytest
from starlette.responses import HTMLResponse, Response
from tenacity import Retrying

from revela import (
    ClientError,
    Conflict,
    ConnectionFailed,
    InvalidArgument,
    JobView,
    NotFound,
    NotRevela,
    Patience,
    RateLimited,
    ServerError,
)
from revela.client.api.answers import error_of, retry_after
from revela.client.patience import Tries
from tests.revela.client.both import Caller
from tests.revela.client.scripted import job, problem, scripted

BODY = {"operation": "img2vid", "input": {}}


@pytest.mark.parametrize(
    "failure",
    [
        problem(503),
        problem(503, retry_after="0"),
        problem(429, "too-many-requests", retry_after="0"),
        problem(500, "internal"),
        HTMLResponse("<h1>Bad Gateway</h1>", 502),
        HTMLResponse("slow down", 429),
        problem(409, "idempotency-in-progress"),
    ],
    ids=["503", "503-after", "429", "500", "502-html", "429-html", "in-progress"],
)
def test_a_submit_is_asked_again_with_the_same_key_after_what_may_pass(call: Caller, failure: Response) -> None:
    with scripted([failure, failure, job(status="IN_QUEUE")]) as server:
        made: JobView = call(server.url, "submit", BODY)
    assert (made.id, server.asked) == ("job_00000000000000000000000001", [("POST", "/v1/jobs")] * 3)
    keys = {headers["idempotency-key"] for headers in server.headers}
    assert len(keys) == 1
    assert len(keys.pop()) == 36


def test_each_submit_has_a_key_of_its_own_and_takes_one_that_is_given(call: Caller) -> None:
    with scripted([job()]) as server:
        for options in ({}, {}, {"idempotency_key": "order-17"}):
            call(server.url, "submit", BODY, **options)
    first, second, third = (headers["idempotency-key"] for headers in server.headers)
    assert first != second
    assert third == "order-17"


def test_what_is_refused_is_not_asked_again(call: Caller) -> None:
    with scripted([problem(409, "job-not-ended")]) as server, pytest.raises(Conflict) as refused:
        call(server.url, "retry", "job_00000000000000000000000001")
    assert (refused.value.code, refused.value.status, refused.value.detail) == ("job-not-ended", 409, "words")
    assert len(server.asked) == 1


def test_a_404_names_what_is_missing(call: Caller) -> None:
    with scripted([problem(404)]) as server:
        for method in ("get", "cancel", "delete", "items", "events", "deliveries"):
            with pytest.raises(NotFound, match=r"^no job job_00000000000000000000000001$"):
                call(server.url, method, "job_00000000000000000000000001")
        with pytest.raises(NotFound, match=r"^no delivery evt_00000000000000000000000001$"):
            call(server.url, "redeliver", "evt_00000000000000000000000001")


@pytest.mark.parametrize("its_id", [".", "..", "", "x/../y", "job_1", f"job_{'u' * 26}", f"task_{'0' * 26}"])
def test_a_text_that_is_no_id_is_not_asked_for(call: Caller, its_id: str) -> None:
    things = {
        "job": ("get", "wait", "cancel", "retry", "delete", "pin", "items", "events", "deliveries"),
        "upload": ("get_upload", "delete_upload"),
        "delivery": ("redeliver",),
    }
    with scripted([job()]) as server:
        for thing, methods in things.items():
            for method in methods:
                with pytest.raises(NotFound, match=f"^no {thing} ") as refused:
                    call(server.url, method, its_id)
                assert (refused.value.status, refused.value.code) == (404, "not-found")
                assert its_id in refused.value.detail
                with pytest.raises(InvalidArgument, match=f"the id of a {thing} is a text, not None"):
                    call(server.url, method, None)
    assert server.asked == []


def test_a_redelivery_is_asked_again_only_where_it_was_not_taken(call: Caller) -> None:
    for failure, times in ((problem(500), 1), (problem(503), 4)):
        with scripted([failure]) as server, pytest.raises(ServerError):
            call(server.url, "redeliver", "evt_00000000000000000000000001")
        assert len(server.asked) == times


def test_a_delete_whose_answer_was_lost_is_done(call: Caller) -> None:
    with scripted([problem(500), problem(404)]) as server:
        assert call(server.url, "delete", "job_00000000000000000000000001") is None
    assert len(server.asked) == 2


def test_patience_ends_and_the_last_failure_is_told(call: Caller) -> None:
    with scripted([problem(503, "store-unavailable")]) as server, pytest.raises(ServerError) as failed:
        call(server.url, "get", "job_00000000000000000000000001")
    assert (failed.value.code, len(server.asked)) == ("store-unavailable", 4)


def test_a_server_that_asks_for_more_than_patience_has_is_believed_at_once(call: Caller) -> None:
    told = problem(429, "too-many-requests", retry_after="3600")
    with scripted([told]) as server, pytest.raises(RateLimited) as limited:
        call(server.url, "get", "job_00000000000000000000000001")
    assert (limited.value.retry_after_s, len(server.asked)) == (3600, 1)


def test_something_else_than_a_server_of_ours_is_told_so(call: Caller) -> None:
    with scripted([HTMLResponse("<h1>Welcome</h1>")]) as server, pytest.raises(NotRevela):
        call(server.url, "get", "job_00000000000000000000000001")
    for url in ("not an address", "ftp://127.0.0.1"):
        with pytest.raises(NotRevela):
            call(url, "get", "job_00000000000000000000000001")
    with pytest.raises(InvalidArgument):
        call("http://127.0.0.1:port", "get", "job_00000000000000000000000001")
    with pytest.raises(ConnectionFailed):
        call("http://127.0.0.1:9", "get", "job_00000000000000000000000001")


def pauses_s(
    patience: Patience, errors: Sequence[ClientError], gained: Callable[[], object] = lambda: None
) -> list[float]:
    """Return the pauses between tries that fail with these errors in turn."""
    made: list[float] = []
    left = list(errors)

    def fail() -> None:
        if left:
            raise left.pop(0)

    tries = Tries(patience, gained=gained)
    Retrying(**tries.rules(), sleep=made.append)(fail)
    return made


def test_pauses_grow_to_the_longest_and_are_never_the_same_for_all() -> None:
    made = pauses_s(
        Patience(attempts=None, first_pause_s=1, longest_pause_s=8), [ConnectionFailed("d") for _ in range(7)]
    )
    for pause_s, full_s in zip(made, [1, 2, 4, 8, 8, 8, 8], strict=True):
        assert 0.75 * full_s <= pause_s <= full_s
    assert len(set(made)) == len(made)


def test_a_pause_is_as_long_as_the_server_asks() -> None:
    asked = [ServerError("d", 503, retry_after_s=7), ServerError("d", 503, retry_after_s=0.001)]
    long_s, short_s = pauses_s(Patience(first_pause_s=0.5), asked)
    assert long_s == 7
    assert 0.75 <= short_s <= 1


def test_counting_begins_anew_when_something_was_gained() -> None:
    gains = iter(range(100))
    errors = [ConnectionFailed("d") for _ in range(20)]
    made = pauses_s(Patience(attempts=2, first_pause_s=1), errors, lambda: next(gains))
    assert len(made) == 20
    assert all(pause_s <= 1 for pause_s in made)


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, None), ("7", 7), ("soon", None), ("Thu, 01 Jan 2026 00:00:00 GMT", 0)]
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "ValidationFailed"),
        (401, "NotAuthenticated"),
        (403, "PermissionDenied"),
        (404, "NotFound"),
        (409, "Conflict"),
        (410, "Gone"),
        (413, "ValidationFailed"),
        (418, "Refused"),
        (422, "ValidationFailed"),
        (429, "RateLimited"),
        (500, "ServerError"),
        (503, "ServerError"),
    ],
)
def test_a_problem_is_an_error_of_its_kind(status: int, name: str) -> None:
    content = {"title": "t", "status": status, "detail": "d", "code": "x", "errors": [{"pointer": "/a", "detail": "b"}]}
    error = error_of(httpx.Response(status, json=content, request=httpx.Request("GET", "http://h/")))
    assert (type(error).__name__, error.code, error.status, error.detail) == (name, "x", status, "d")
    if status == 422:
        assert str(error) == "d\n  /a: b"


def test_a_wait_outlasts_failures_and_each_is_told(call: Caller) -> None:
    away: list[ClientError] = []
    seen: list[JobView] = []
    answers = [job(), problem(503), problem(502), job(), problem(500), job(status="COMPLETED")]
    with scripted(answers) as server:
        ended: JobView = call(server.url, "wait", "job_00000000000000000000000001", seen.append, on_away=away.append)
    assert ended.status == "COMPLETED"
    assert ([state.status for state in seen], len(away)) == (["IN_PROGRESS", "IN_PROGRESS", "COMPLETED"], 3)
    assert all(later.created_at == earlier.created_at for earlier, later in pairwise(seen))

"""What is accepted and what is refused, with pointers."""

import time
from typing import Any

import pytest

from orchestrator.caller import Caller
from orchestrator.jobs.accept import MAX_FAULTS, AcceptedJob, accept_job
from orchestrator.settings import Settings
from shared.catalogue import Catalogue
from shared.clock import ManualClock
from shared.ids import KeyId, Tenant
from shared.refusals import InvalidRequest, UnknownOperation

CATALOGUE = Catalogue.discover()
CALLER = Caller(Tenant("acme"), KeyId("key"), frozenset())
PHOTO = "https://example.com/a.jpg"


def accept(body: Any, **settings: Any) -> AcceptedJob:
    return accept_job(
        body, catalogue=CATALOGUE, caller=CALLER, settings=Settings(_env_file=None, **settings), clock=ManualClock()
    )


def pointers(body: Any) -> set[str]:
    with pytest.raises(InvalidRequest) as refused:
        accept(body)
    return {fault.pointer for fault in refused.value.errors}


def job(**fields: Any) -> dict[str, Any]:
    return {"operation": "img2vid", "items": [{"id": "a", "image": PHOTO}], **fields}


def test_defaults_are_merged_under_each_item() -> None:
    accepted = accept(
        job(items=[{"id": "a", "image": PHOTO}, {"id": "b", "image": PHOTO, "fps": 30}], defaults={"fps": 25})
    )
    assert [item.params["fps"] for item in accepted.items] == [25, 30]


def test_input_is_short_for_one_item() -> None:
    accepted = accept({"operation": "img2vid", "input": {"image": PHOTO}})
    assert [(item.id, item.params["width"]) for item in accepted.items] == [("0", 1920)]


def test_a_job_s_tasks_wait_in_the_order_of_its_items() -> None:
    accepted = accept(job(items=[{"id": f"i{n}", "image": PHOTO} for n in range(1000)]))
    assert len(accepted.tasks) >= 20
    assert sorted(accepted.tasks, key=lambda task: task.id) == sorted(accepted.tasks, key=lambda task: task.n)


def test_parameters_are_fully_resolved() -> None:
    [item] = accept(job()).items
    assert item.params == {
        "image": PHOTO,
        "duration_s": 5.0,
        "width": 1920,
        "height": 1080,
        "fps": 24,
        "motion": "zoom_in",
        "zoom": 1.324,
        "focus": {"x": 0.5, "y": 0.5},
        "fit": "cover",
        "easing": "linear",
        "ping_pong": False,
        "audio": None,
        "codec": "h264",
        "quality": "balanced",
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (job(colour="red"), {"/colour"}),
        (job(items=[]), {"/items"}),
        (job(items=[{"id": str(n), "image": PHOTO} for n in range(1001)]), {"/items"}),
        (job(input={"image": PHOTO}), {""}),
        ({"operation": "img2vid"}, {""}),
        (job(items=[{"id": "a", "image": PHOTO}, {"id": "a", "image": PHOTO}]), {"/items/1/id"}),
        (job(items=[{"id": "a b", "image": PHOTO}]), {"/items/0/id"}),
        (job(items=[{"image": PHOTO}]), {"/items/0/id"}),
        (job(items=[{"id": 7, "image": PHOTO}]), {"/items/0/id"}),
        (job(items=[{"id": "a"}]), {"/items/0/image"}),
        (job(items=[{"id": "a", "image": PHOTO, "fpz": 3}]), {"/items/0/fpz"}),
        (job(items=[{"id": "a", "image": PHOTO, "fps": "24"}]), {"/items/0/fps"}),
        (job(items=[{"id": "a", "image": PHOTO, "fps": True}]), {"/items/0/fps"}),
        (job(items=[{"id": "a", "image": PHOTO, "duration_s": "5"}]), {"/items/0/duration_s"}),
        (job(items=[{"id": "a", "image": PHOTO, "width": 101}]), {"/items/0/width"}),
        (job(items=[{"id": "a", "image": PHOTO, "focus": {"x": 2}}]), {"/items/0/focus/x"}),
        (job(items=[{"id": "a", "image": PHOTO, "zoom": float("nan")}]), {"/items/0/zoom"}),
        (job(defaults={"fps": 0}), {"/defaults/fps"}),
        (job(defaults={"fps": 0}, items=[{"id": str(n), "image": PHOTO} for n in range(3)]), {"/defaults/fps"}),
        (job(labels={"a": 3}), {"/labels/a"}),
        (job(labels={str(n): "" for n in range(17)}), {"/labels"}),
        (job(priority="urgent"), {"/priority"}),
        (job(items="a"), {"/items"}),
        (job(queue_ttl_s=1), {"/queue_ttl_s"}),
        ([], set()),
    ],
)
def test_faults_are_pointed_at(body: Any, expected: set[str]) -> None:
    assert pointers(body) == expected


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.com/a.jpg",
        "file:///etc/passwd",
        "http://127.0.0.1/a.jpg",
        "http://[::1]/a.jpg",
        "http://2130706433/",
        "http://169.254.169.254/latest/meta-data",
        "https://user:secret@example.com/a.jpg",
        "https://example.com:22/",
        "upload://upl_nothing",
        "output://job_1/a/video",
        "",
        "not an address",
    ],
)
def test_an_address_that_can_not_be_used_refuses_the_request(address: str) -> None:
    if address.startswith("upload://"):
        assert accept(job(items=[{"id": "a", "image": address}])).own_inputs == (("/items/0/image", address),)
    else:
        assert pointers(job(items=[{"id": "a", "image": address}])) == {"/items/0/image"}


def test_an_allowed_private_address_is_taken() -> None:
    body = job(items=[{"id": "a", "image": "http://127.0.0.1:9000/a.jpg"}])
    assert accept(body, allow_private_sources="127.0.0.1:9000").items


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (job(defaults={"duration": 5}), "unknown parameter duration; did you mean duration_s?"),
        (job(items=[{"id": "a", "image": PHOTO, "heigth": 64}]), "unknown parameter heigth; did you mean height?"),
        (job(items=[{"id": "a", "image": PHOTO, "focus": {"z": 1}}]), "unknown parameter z; there are x, y"),
        (job(item=[]), "unknown field item; did you mean items?"),
        (job(defaults={"d" * 1000: 5}), f"unknown parameter {'d' * 64}"),
    ],
)
def test_an_unknown_field_is_named_with_what_was_probably_meant(body: Any, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        accept(body)
    assert [fault.detail for fault in refused.value.errors] == [said]


def test_a_field_like_no_other_is_answered_with_those_there_are() -> None:
    with pytest.raises(InvalidRequest) as refused:
        accept(job(defaults={"colour": "red"}))
    assert refused.value.errors[0].detail.startswith("unknown parameter colour; there are image, duration_s, width")


def test_a_request_full_of_unknown_fields_is_refused_as_fast_as_any() -> None:
    names = [{"id": str(n), "image": PHOTO, **{f"duration_{n}_{m}": 0 for m in range(60)}} for n in range(1000)]
    started_s = time.process_time()
    assert len(pointers(job(items=names))) == MAX_FAULTS
    assert time.process_time() - started_s < 2


@pytest.mark.parametrize(
    ("name", "said"),
    [("img3vid", "there is no operation img3vid; did you mean img2vid?"), ("paint", "there is no operation paint")],
)
def test_an_unknown_operation_is_named(name: str, said: str) -> None:
    with pytest.raises(UnknownOperation) as refused:
        accept(job(operation=name))
    assert [(fault.pointer, fault.detail) for fault in refused.value.errors] == [("/operation", said)]

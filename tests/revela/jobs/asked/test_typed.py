"""A refusal's pointers, as words of the command line."""

from typing import Any

import pytest

from revela import ValidationFailed
from revela.jobs.asked.request import job_request
from revela.jobs.asked.typed import as_typed
from shared.wire.problem import Problem, ProblemField

IMAGES = job_request("img2vid", ["fps=0"], ["https://a/1.jpg", "https://a/2.jpg"], None)
PARAMS = job_request("img2vid", ["fps=0"], [], None)
ITEMS = {"operation": "img2vid", "items": [{"id": "a"}, 7], "defaults": {"fps": 0}}


def told(request: dict[str, Any], *pointers: str, from_images: bool = False) -> list[str]:
    errors = [ProblemField(pointer=pointer, detail="is wrong") for pointer in pointers]
    refused = ValidationFailed(Problem(title="t", status=422, detail="no", code="c", errors=errors))
    return str(as_typed(refused, request, from_images=from_images)).split("\n  ")[1:]


@pytest.mark.parametrize(
    ("request_", "pointer", "words"),
    [
        (PARAMS, "/input/fps", "--param fps"),
        (PARAMS, "/operation", "img2vid"),
        (PARAMS, "/output_ttl_s", "--output-ttl, in seconds"),
        (ITEMS, "/defaults/focus/x", "--param focus.x"),
        (ITEMS, "/items/0/image", "--items, item 1 (a) image"),
        (ITEMS, "/items/1", "--items, item 2"),
        (ITEMS, "/items", "/items"),
        (PARAMS, "", "(body)"),
    ],
)
def test_a_pointer_becomes_what_was_typed(request_: dict[str, Any], pointer: str, words: str) -> None:
    assert told(request_, pointer) == [f"{words}: is wrong"]


def test_an_image_s_fault_names_its_address_and_a_fault_of_all_is_told_once() -> None:
    faults = told(IMAGES, "/items/1/image", "/items/0/sound", "/items/1/sound", from_images=True)
    assert faults == ["--image https://a/2.jpg: is wrong", "--param sound: is wrong"]

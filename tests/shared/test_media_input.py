"""Media inputs: their forms, and how they are found in params."""

import pytest
from pydantic import ValidationError

from shared.wire.media_input import MediaInput, media_inputs
from shared.wire.model import ClientModel

JOB = "job_01ARYZ6S41TSV4RRFFQ69G5FAV"


class Layer(ClientModel):
    """Nested params."""

    photo: MediaInput
    more: list[MediaInput] = []


class Params(ClientModel):
    """Params with media inputs everywhere."""

    image: MediaInput
    layers: list[Layer] = []
    named: dict[str, MediaInput] = {}
    mask: MediaInput | None = None
    title: str = "https://example.com/not-a-media-input"


@pytest.mark.parametrize(
    ("text", "scheme", "is_url"),
    [
        ("https://example.com/a.jpg", "https", True),
        ("HTTP://example.com/a.jpg?x=1", "http", True),
        ("upload://upl_01ARYZ", "upload", False),
        (f"output://{JOB}/img-1/video", "output", False),
    ],
)
def test_four_forms_are_taken(text: str, scheme: str, is_url: bool) -> None:
    media = Params.model_validate({"image": text}).image
    assert (media, media.scheme, media.is_url) == (text, scheme, is_url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.jpg",
        "/etc/passwd",
        "file:///etc/passwd",
        "ftp://example.com/a",
        "https://",
        "https://example.com/a b",
        "https://example.com/a\n",
        "https://example.com\\a",
        "upload://",
        "upload://../x",
        "output://job_1/a/b",
        f"output://{JOB}/a/b/c",
        "https://example.com/" + "a" * 2048,
        7,
        None,
        ["https://example.com/a.jpg"],
    ],
)
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(ValidationError):
        Params.model_validate({"image": text})


def test_all_of_them_are_found_with_their_pointers() -> None:
    params = Params.model_validate(
        {
            "image": "https://a.example/1",
            "layers": [{"photo": "upload://u1", "more": ["https://a.example/2"]}, {"photo": "https://a.example/3"}],
            "named": {"left": "https://a.example/4"},
        }
    )
    assert dict(media_inputs(params)) == {
        "/image": "https://a.example/1",
        "/layers/0/photo": "upload://u1",
        "/layers/0/more/0": "https://a.example/2",
        "/layers/1/photo": "https://a.example/3",
        "/named/left": "https://a.example/4",
    }


def test_they_are_written_as_plain_text() -> None:
    params = Params.model_validate({"image": "upload://u1"})
    assert params.model_dump(mode="json")["image"] == "upload://u1"
    assert Params.model_json_schema()["properties"]["image"]["format"] == "media-input"

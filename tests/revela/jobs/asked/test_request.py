"""From the command line's words to the body of a request."""

import io
from pathlib import Path

import pytest

from revela.failures import UsageFault
from revela.jobs.asked.request import job_request, status_named
from revela.keeping.spans import span_or_keep
from shared.wire.status import Status


def test_params_alone_make_one_item() -> None:
    request = job_request("img2vid", ["image=https://example.com/a.jpg", "fps=30"], [], None)
    assert request == {"operation": "img2vid", "input": {"image": "https://example.com/a.jpg", "fps": 30}}


def test_each_image_makes_an_item_and_params_are_their_defaults() -> None:
    request = job_request("img2vid", ["motion=pan_left"], ["https://a/1.jpg", "https://a/2.jpg"], None)
    assert request["items"] == [{"id": "1", "image": "https://a/1.jpg"}, {"id": "2", "image": "https://a/2.jpg"}]
    assert request["defaults"] == {"motion": "pan_left"}


def test_an_image_s_item_is_named_for_its_file() -> None:
    addresses = [
        "https://a/b/beach.jpg?signature=x.y",
        "https://b/beach.png",
        "https://a/sea%20side.heic",
        "upload://upl_7",
        "https://a.b/",
        "http://[",
    ]
    ids = [item["id"] for item in job_request("img2vid", [], addresses, None)["items"]]
    assert ids == ["beach", "beach-2", "sea-side", "upl_7", "a", "image"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=1", 1),
        ("a=1.5", 1.5),
        ("a=true", True),
        ("a=null", None),
        ('a={"x": 0.3}', {"x": 0.3}),
        ("a=zoom_in", "zoom_in"),
        ('a="1"', "1"),
        ("a=", ""),
        ("a=x=y", "x=y"),
    ],
)
def test_a_value_is_json_where_it_reads_as_json(text: str, value: object) -> None:
    assert job_request("op", [text], [], None)["input"] == {"a": value}


def test_items_come_from_a_file_or_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "items.json"
    file.write_text('[{"id": "a"}]')
    assert job_request("op", [], [], str(file))["items"] == [{"id": "a"}]
    monkeypatch.setattr("sys.stdin", io.StringIO('[{"id": "b"}]'))
    assert job_request("op", [], [], "-")["items"] == [{"id": "b"}]


@pytest.mark.parametrize("content", [b"{", b'{"id": "a"}', b"\xff\xfe\x00", None])
def test_a_file_of_items_that_can_t_be_read_is_named(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "items.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageFault, match=r"items\.json"):
        job_request("op", [], [], str(file))


@pytest.mark.parametrize(
    ("typed", "sent"),
    [("90s", 90), ("15m", 900), ("12h", 43_200), ("30d", 2_592_000), ("8w", 4_838_400), ("keep", None)],
)
def test_how_long_outputs_stay_is_typed_as_a_span(typed: str, sent: int | None) -> None:
    request = job_request("op", [], [], None, output_ttl_s=span_or_keep("--output-ttl", typed), queue_ttl_s=None)
    assert request == {"operation": "op", "input": {}, "output_ttl_s": sent}


@pytest.mark.parametrize("typed", ["30", "0s", "1y", "", "null"])
def test_a_span_that_is_none_says_how_one_is_written(typed: str) -> None:
    with pytest.raises(UsageFault, match=f"--output-ttl {typed}: write a number and s, m, h, d or w, .* or keep"):
        span_or_keep("--output-ttl", typed)


@pytest.mark.parametrize("text", ["novalue", "=1", ""])
def test_a_param_without_key_or_value_is_refused(text: str) -> None:
    with pytest.raises(UsageFault, match="key=value"):
        job_request("op", [text], [], None)


def test_images_and_items_together_are_refused() -> None:
    with pytest.raises(UsageFault):
        job_request("op", [], ["https://a/1.jpg"], "-")


def test_a_status_is_read_in_any_case_and_an_unknown_one_lists_them() -> None:
    assert status_named("completed") is Status.COMPLETED
    with pytest.raises(UsageFault, match="TIMED_OUT"):
        status_named("done")

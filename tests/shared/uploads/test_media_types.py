"""What a file is, by its name and by its first bytes."""

import pytest

from shared.uploads.media_types import fits, of_file


@pytest.mark.parametrize(
    ("head", "like_json"),
    [
        (b'[{"word": "Hello"}]', True),
        (b' \r\n\t{"words": []}', True),
        (b'\xef\xbb\xbf{"words": []}', True),
        ('[{"word": "Olá"}]'.encode("utf-16"), True),
        (b'"words"', False),
        (b"<html>", False),
        (b"[\0\0\0", False),
        (b"", False),
    ],
)
def test_json_begins_with_a_list_or_an_object(head: bytes, like_json: bool) -> None:
    assert of_file("words.JSON") == "application/json"
    assert fits("application/json", head) == like_json

"""Names for items and files, whatever they are made from."""

import pytest

from revela.client.downloads.file_names import distinct_names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("beach", "beach"),
        ("IMG_1.2", "IMG_1.2"),
        ("ü b", "b"),
        ("../../etc/passwd", "etc-passwd"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("..", "photo"),
        ("", "photo"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_name_is_what_ids_and_files_allow(text: str, name: str) -> None:
    assert distinct_names([text], "photo") == [name]


def test_names_that_a_file_system_may_take_for_one_are_told_apart() -> None:
    assert distinct_names(["a", "A", "a-2", "a"], "x") == ["a", "A-2", "a-2-2", "a-3"]

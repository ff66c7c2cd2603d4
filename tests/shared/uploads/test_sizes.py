"""Sizes are told in units that people read."""

import pytest

from shared.uploads.sizes import human_size


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (812, "812 bytes"),
        (1 << 10, "1 KiB"),
        (3 << 19, "1.5 MiB"),
        (5 << 30, "5 GiB"),
        (1 << 50, "1024 TiB"),
    ],
)
def test_a_size_is_told_in_the_largest_unit_of_which_it_has_one(size_bytes: int, text: str) -> None:
    assert human_size(size_bytes) == text

"""The documents that are made from code say what the code says, and so does the data."""

from pathlib import Path

import pytest

from tests.project.pages import operations_page
from tests.project.pages.all_pages import PAGES, WHOLE, made
from tests.project.pages.marked import names_of_parts, with_parts


@pytest.mark.parametrize("path", [*PAGES, *WHOLE], ids=lambda path: path.name)
def test_no_page_is_stale(path: Path) -> None:
    assert path.read_text() == made(path), "`make docs` brings it up to date"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_made_part_has_its_place(path: Path) -> None:
    assert sorted(names_of_parts(path.read_text())) == sorted(PAGES[path])


def test_operations_tell_files_that_one_parameter_brings_and_the_fields_of_lists_entries() -> None:
    told = operations_page.operations()
    for said in ("| `preview`, with `preview_at_s` |", "| `tracks[].language` |", "| `facts.video[].colour.range` |"):
        assert told.count(said) == 1, said


def test_only_what_stands_between_marks_is_made() -> None:
    page = "Prose.\n<!-- made by `make docs`: one -->\nold\n<!-- end -->\nMore prose.\n"
    assert with_parts(page, {"one": lambda: "new"}) == (
        "Prose.\n<!-- made by `make docs`: one -->\n\nnew\n\n<!-- end -->\nMore prose.\n"
    )

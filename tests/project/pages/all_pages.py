"""Which pages have made parts, which files are made whole, and what they are when made now."""

from pathlib import Path

from tests.project.pages import errors_page, font_coverage, operations_page, settings_page
from tests.project.pages.marked import with_parts
from tests.project.tree import ROOT

PAGES = {
    ROOT / "docs/errors.md": errors_page.PARTS,
    ROOT / "docs/operations.md": operations_page.PARTS,
    ROOT / "docs/settings.md": settings_page.PARTS,
}

WHOLE = {ROOT / "shared/captions/coverage.json": font_coverage.coverage}


def made(path: Path) -> str:
    """Return a file, or a page with its parts, made from the code and the fonts as they are now."""
    if path in WHOLE:
        return WHOLE[path]()
    return with_parts(path.read_text(), PAGES[path])

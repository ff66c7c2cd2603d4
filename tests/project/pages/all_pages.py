"""Which pages have made parts, and what they are when made now."""

from pathlib import Path

from tests.project.pages import errors_page, operations_page, settings_page
from tests.project.pages.marked import with_parts
from tests.project.tree import ROOT

PAGES = {
    ROOT / "docs/errors.md": errors_page.PARTS,
    ROOT / "docs/operations.md": operations_page.PARTS,
    ROOT / "docs/settings.md": settings_page.PARTS,
}


def made(path: Path) -> str:
    """Return a page with its parts made from the code as it is now."""
    return with_parts(path.read_text(), PAGES[path])

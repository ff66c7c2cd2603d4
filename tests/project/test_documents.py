"""What is documented, and that it is true."""

import re
from pathlib import Path

import pytest

from revela.cli import app
from tests.project.tree import ROOT, documents

_LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")
_MAKE = re.compile(r"`make ([a-z]+)")
_COMMAND = re.compile(r"`revela ([a-z]+)")


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_points_at_is_there(document: Path) -> None:
    text = document.read_text()
    assert [target for target in _LINK.findall(text) if not (document.parent / target).exists()] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(_MAKE.findall(text)) - targets == set()
    assert set(_COMMAND.findall(text)) - command_names() == set()


def command_names() -> set[str]:
    """Return the subcommands of `revela`."""
    named = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    return named | {group.name for group in app.registered_groups if group.name}

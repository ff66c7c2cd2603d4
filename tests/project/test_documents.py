"""What is documented, and that it is true."""

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from orchestrator.settings import Settings
from revela.cli import app
from shared import errors
from shared.refusals import RequestError
from tests.project.tree import ROOT, documents
from worker.settings import WorkerSettings

_LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")
_MAKE = re.compile(r"`make ([a-z]+)")
_COMMAND = re.compile(r"`revela ([a-z]+)")


def environment_names(settings: type[BaseSettings]) -> set[str]:
    """Return the environment variable of each field."""
    prefix = settings.model_config.get("env_prefix", "")
    return {
        field.validation_alias if isinstance(field.validation_alias, str) else f"{prefix}{name}".upper()
        for name, field in settings.model_fields.items()
    }


def error_codes(root: type[errors.RevelaError] = errors.RevelaError) -> set[str]:
    """Return the code of every class in the tree that `shared/errors.py` begins."""
    below = [child for child in root.__subclasses__() if child.__module__.startswith("shared.")]
    return {root.code}.union(*(error_codes(child) for child in below))


@pytest.mark.parametrize("settings", [Settings, WorkerSettings])
def test_every_setting_is_documented(settings: type[BaseSettings]) -> None:
    page = (ROOT / "docs/settings.md").read_text()
    assert {name for name in environment_names(settings) if f"`{name}`" not in page} == set()


def test_every_error_code_is_documented() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    assert RequestError.code in error_codes()
    assert {code for code in error_codes() if f"`{code}`" not in page} == set()


def test_no_error_code_is_documented_that_does_not_exist() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    assert set(re.findall(r"^\| `([a-z-]+)`", page, re.MULTILINE)) - error_codes() == set()


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

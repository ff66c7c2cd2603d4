"""Every command's help ends with an example that the command would take."""

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import typer.core

from revela.cli import app
from revela.command_groups import EXAMPLES, SECTIONS
from tests.revela.terminal import Terminal


def test_every_command_is_shown_in_a_section() -> None:
    listed = [name for names in SECTIONS.values() for name in names]
    named = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set(listed) == named | {group.name for group in app.registered_groups}
    assert len(listed) == len(set(listed))


def leaves() -> Iterator[str]:
    """Yield every command as it is typed: `submit`, `keys create`."""
    for name, command in all_commands().items():
        yield from (
            [f"{name} {part}" for part in command.commands] if isinstance(command, typer.core.TyperGroup) else [name]
        )


def all_commands() -> dict[str, Any]:
    """Return the commands and groups of the first screen."""
    return typer.main.get_command(app).commands  # type: ignore[attr-defined, no-any-return]


def test_every_command_has_an_example() -> None:
    assert sorted(EXAMPLES) == sorted(leaves())


@pytest.mark.parametrize("group", ["", *(name for name in all_commands() if name not in EXAMPLES)])
def test_no_line_of_a_list_of_commands_is_cut_off_on_a_terminal_of_80_columns(
    group: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = terminal(*group.split(), "--help").out
    assert [line for line in shown.splitlines() if line.startswith("  ") and line.endswith("...")] == []


@pytest.mark.parametrize("command", EXAMPLES)
def test_the_example_in_a_command_s_help_is_one_that_it_takes(
    command: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVELA_API_KEY", "rv_key")
    monkeypatch.setenv("REVELA_WEBHOOK_SECRET", "whsec_secret")
    shown = terminal(*command.split(), "--help")
    assert shown.code == 0
    example = shown.out.rpartition("Example:\n")[2].strip()
    assert example == EXAMPLES[command]
    name, *words = shlex.split(example)[1:]
    found = all_commands()[name]
    if isinstance(found, typer.core.TyperGroup):
        name, found, words = f"{name} {words[0]}", found.commands[words[0]], words[1:]
    assert name == command
    assert found.make_context(command, words).params

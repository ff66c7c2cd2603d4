"""Every command's help ends with an example that the command would take."""

import shlex

import pytest
import typer

from revela.cli import app
from revela.command_groups import EXAMPLES, SECTIONS
from tests.revela.terminal import Terminal


def test_every_command_is_shown_in_a_section() -> None:
    listed = [name for names in SECTIONS.values() for name in names]
    named = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set(listed) == named | {group.name for group in app.registered_groups}
    assert len(listed) == len(set(listed))
    assert set(EXAMPLES) == named


@pytest.mark.parametrize("command", EXAMPLES)
def test_the_example_in_a_command_s_help_is_one_that_it_takes(
    command: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVELA_API_KEY", "rv_key")
    shown = terminal(command, "--help")
    assert shown.code == 0
    example = shown.out.rpartition("Example:\n")[2].strip()
    assert example == EXAMPLES[command]
    name, *words = shlex.split(example)[1:]
    assert name == command
    group = typer.main.get_command(app)
    found = group.commands[command]  # type: ignore[attr-defined]
    assert found.make_context(command, words).params

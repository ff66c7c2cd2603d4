"""Commands that can't do what they were told say so in one line, without a stack."""

from pathlib import Path

import pytest

from revela.failures import UsageFault
from tests.revela.terminal import Terminal


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("jobs", "--key", "clé"), "API key"),
        (("jobs", "--key", "rv_a\nb"), "API key"),
        (("worker", "--url", "nonsense", "--id", "a", "--token", "b"), "nonsense"),
        (("worker", "--url", "http:///v2/local", "--id", "a", "--token", "b"), "http:///v2/local"),
        (("submit", "img2vid", "--key", "k", "--param", "fps"), "key=value"),
        (("jobs", "--key", "k", "--status", "done"), "COMPLETED_WITH_ERRORS"),
        (("demo", "none.jpg"), "none.jpg"),
    ],
)
def test_what_can_t_be_done_as_it_was_said_is_exit_code_2(
    terminal: Terminal, words: tuple[str, ...], said: str
) -> None:
    refused = terminal(*words)
    assert (refused.code, refused.out, refused.err.count("\n")) == (UsageFault.exit_code, "", 1)
    assert said in refused.err


@pytest.mark.parametrize("command", [("keys", "create", "x", "--tenant", "t"), ("migrate",)])
def test_a_data_directory_that_can_t_be_is_exit_code_1(
    terminal: Terminal, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    refused = terminal(*command, "--data-dir", str(tmp_path / "file"))
    assert (refused.code, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert str(tmp_path / "file") in refused.err


def test_the_demo_looks_at_its_folder_before_it_works(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = terminal("demo", "--quick", "--output", str(tmp_path / "file"))
    assert (refused.code, refused.err.count("\n")) == (UsageFault.exit_code, 1)

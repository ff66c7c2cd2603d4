"""The command line, called as a terminal does but in this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from revela.cli import main


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it wrote to standard output, which must be JSON and nothing else."""
        return json.loads(self.out)


Terminal = Callable[..., Answer]


def terminal_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Return a function that runs `revela WORD…`."""

    def run(*words: str) -> Answer:
        capsys.readouterr()
        monkeypatch.setattr("sys.argv", ["revela", *words])
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        written = capsys.readouterr()
        return Answer(code, written.out, written.err)

    return run

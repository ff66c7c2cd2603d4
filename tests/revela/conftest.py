"""A terminal whose settings are this test's own."""

from pathlib import Path

import pytest

from tests.revela.terminal import Terminal, terminal_of


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Terminal:
    """The `revela` command, with an empty data directory and no server set."""
    for name in ("REVELA_URL", "REVELA_API_KEY", "REVELA_DATABASE_URL", "REVELA_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REVELA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return terminal_of(monkeypatch, capsys)

"""Which operations a worker can run."""

from pathlib import Path

import pytest

from shared.errors import SettingsError
from tests.broken.contracts import echo as contract
from tests.broken.runs import echo
from worker.registry import Registry


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable package with one contract, named after the test's folder."""
    root = tmp_path / f"more_{tmp_path.name}"
    for folder in (root, root / "contracts", root / "runs"):
        folder.mkdir()
        (folder / "__init__.py").touch()
    (root / "contracts" / "shout.py").write_text(
        "from tests.broken.contract import contract\nOPERATION = contract('shout', 'Shouts.')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return root


def test_contract_and_run_are_joined_by_name() -> None:
    registry = Registry.discover(("tests.broken",))
    assert registry["echo"].contract is contract.OPERATION
    assert registry["echo"].run is echo.run
    assert "juggle" not in registry
    assert len(list(registry)) == len(registry) >= 15


def test_every_test_operation_has_contract_and_run() -> None:
    names = {path.stem for path in (Path(contract.__file__).parent).glob("[a-z]*.py")}
    assert names <= set(Registry.discover(("tests.broken",)))


def test_operation_that_can_not_be_imported_is_left_out(package: Path) -> None:
    (package / "runs" / "shout.py").write_text("import no_such_library_anywhere\n")
    registry = Registry.discover((package.name, "tests.broken"))
    assert "shout" not in registry
    assert "echo" in registry


def test_run_without_a_contract_stops_the_start(package: Path) -> None:
    (package / "runs" / "whisper.py").write_text("def run(params, context): ...\n")
    with pytest.raises(SettingsError, match="whisper has no contract"):
        Registry.discover((package.name,))


def test_unknown_package_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="no package"):
        Registry.discover(("no.such.package",))

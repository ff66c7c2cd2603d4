"""How operations are found."""

from pathlib import Path

import pytest

from shared.catalogue import Catalogue
from shared.errors import SettingsError


def test_operations_are_found_by_themselves_and_sorted() -> None:
    names = list(Catalogue.discover(("tests.broken",)))
    assert names == sorted(names)
    assert {"img2vid", "echo", "hangs"} <= set(names)


def test_test_operations_are_not_among_the_built_in_ones() -> None:
    assert "echo" not in Catalogue.discover()


def test_unknown_package_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="no package of operations"):
        Catalogue.discover(("no.such.package",))


def test_name_that_is_taken_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contracts = tmp_path / "second_echo" / "contracts"
    contracts.mkdir(parents=True)
    (contracts / "echo.py").write_text("from tests.broken.contracts.echo import OPERATION\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SettingsError, match="two operations are named echo"):
        Catalogue.discover(("tests.broken", "second_echo"))

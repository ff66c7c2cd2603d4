"""The doctor looks at the server's data, there or yet to come, and leaves nothing behind."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.settings import Settings
from orchestrator.storage.disk import DiskStorage
from orchestrator.store.migrate import upgrade
from revela.doctor import report
from revela.doctor.finding import State
from revela.doctor.server import check_storage, server_checks
from shared.clock import SystemClock
from shared.signing import Signer
from tests.revela.terminal import Terminal


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("REVELA_DATA_DIR", "REVELA_STORAGE_URL", "REVELA_DATABASE_URL", "REVELA_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield


def found(data_dir: Path | None = None) -> dict[str, tuple[State, str]]:
    return {one.name: (one.state, one.detail) for one in (check() for check in server_checks(data_dir))}


def test_where_no_server_has_been_nothing_is_made(tmp_path: Path) -> None:
    there = found()
    assert (there["storage"][0], there["database"][0]) == (State.ABSENT, State.ABSENT)
    assert str(tmp_path / "data/objects") in there["storage"][1]
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_stays_empty(tmp_path: Path) -> None:
    (tmp_path / "box/objects").mkdir(parents=True)
    assert found(tmp_path / "box")["storage"][0] is State.ABSENT
    assert list((tmp_path / "box").rglob("*")) == [tmp_path / "box/objects"]


def test_a_folder_that_can_t_be_made_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    state, detail = found(tmp_path / "box")["storage"]
    assert (state, f"and {tmp_path} can't be written in" in detail) == (State.BROKEN, True)


def test_the_data_that_is_named_is_looked_at_and_stays_as_it_was(tmp_path: Path) -> None:
    settings = Settings.load(data_dir=tmp_path / "box")
    settings.data_dir.mkdir()
    upgrade(settings.resolved_database_url)
    storage = DiskStorage(settings.data_dir / "objects", "http://a", Signer(b""), SystemClock())
    asyncio.run(storage.close())
    before = sorted(settings.data_dir.rglob("*"))
    there = found(tmp_path / "box")
    assert (there["storage"][0], there["database"][0]) == (State.WORKS, State.WORKS)
    assert sorted(settings.data_dir.rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["box"]


@pytest.mark.parametrize("data_dir", [".", "objects/box"])
def test_a_file_in_the_way_is_broken(data_dir: str, tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("")
    assert check_storage(Settings.load(data_dir=tmp_path / data_dir)).state is State.BROKEN


def test_the_command_takes_a_data_directory(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "_checks", server_checks)
    told = terminal("doctor", "--data-dir", str(tmp_path / "box"), "--json")
    assert (told.code, [one["name"] for one in told.json]) == (0, ["storage", "database", "endpoint"])
    assert f"{tmp_path / 'box'}/objects" in told.json[0]["detail"]
    assert list(tmp_path.iterdir()) == []

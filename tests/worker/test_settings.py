"""What the worker reads from its environment."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from worker import settings
from worker.settings import WorkerSettings, available_cpus


def test_environment_is_read_once_and_frozen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "REVELA_WORK_DIR": "/var/tmp/x",
        "REVELA_ITEM_CONCURRENCY": "3",
        "REVELA_OPERATION_PACKAGES": "one, two.three,",
        "REVELA_LOG_FORMAT": "json",
        "REVELA_DIE_WITH_PARENT": "1",
        "RUNPOD_POD_ID": "pod-7",
        "REVELA_SOMETHING_ELSE": "ignored",
    }.items():
        monkeypatch.setenv(name, value)
    read = WorkerSettings()

    assert read.work_dir == Path("/var/tmp/x")
    assert read.concurrency == 3
    assert read.operation_packages == ("one", "two.three")
    assert (read.log_format, read.die_with_parent, read.worker_id) == ("json", True, "pod-7")
    with pytest.raises(ValidationError):
        read.work_dir = Path("/")  # type: ignore[misc]


def test_defaults_suit_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    read = WorkerSettings()
    assert 1 <= read.concurrency <= 4
    assert 1 <= read.concurrency * read.threads_per_item <= available_cpus()
    assert read.die_with_parent is False


@pytest.mark.parametrize(
    ("text", "most"), [("150000 100000", 2), ("max 100000", 10_000), ("20000 100000", 1), ("", 10_000)]
)
def test_quota_of_the_container_caps_the_cpus(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, most: int
) -> None:
    usable = available_cpus()
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr(settings, "_CPU_QUOTA", tmp_path / "cpu.max")
    assert available_cpus() == (min(usable, most) if most < 10_000 else available_cpus())
    assert available_cpus() <= most


@pytest.mark.parametrize("value", ["0", "-1", "65", "many"])
def test_impossible_concurrency_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REVELA_ITEM_CONCURRENCY", value)
    with pytest.raises(ValidationError):
        WorkerSettings()

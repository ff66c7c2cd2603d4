"""The folder of a task."""

import os
import stat
import time
from pathlib import Path

import pytest

from tests.worker.orders import leftovers
from worker.task_folder import sweep_task_folders, task_folder


def aged(folder: Path) -> Path:
    """Make a folder look as if nothing had been added to it for an hour."""
    os.utime(folder, (time.time() - 3600,) * 2)
    return folder


def test_folder_is_private_and_gone_afterwards_whatever_happens(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), task_folder(tmp_path / "work") as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "deep").mkdir()
        (folder / "deep" / "file").touch()
        raise ZeroDivisionError
    assert leftovers(tmp_path / "work") == []


def test_only_folders_of_dead_workers_are_swept(tmp_path: Path) -> None:
    dead = tmp_path / "revela-task-dead"
    dead.mkdir()
    (dead / "lock").touch()
    (dead / "video.mp4").write_bytes(b"x")
    aged(dead)
    new = tmp_path / "revela-task-new"
    new.mkdir()
    other = tmp_path / "else"
    other.mkdir()
    with task_folder(tmp_path) as living:
        aged(living)
        sweep_task_folders(tmp_path)
        assert sorted(leftovers(tmp_path)) == sorted([living.name, new.name, other.name])


def test_sweeping_where_there_is_nothing_is_fine(tmp_path: Path) -> None:
    sweep_task_folders(tmp_path / "missing")

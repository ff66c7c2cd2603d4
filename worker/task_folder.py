"""A task's folder on local disk: gone when the task ends, and swept up later if the worker was killed in it."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

_PREFIX = "revela-task-"
_LOCK = "lock"
_NEW_S = 60.0
log = structlog.get_logger()


@contextmanager
def task_folder(work_dir: Path) -> Iterator[Path]:
    """Make a folder that only we may enter; it holds a lock, by which others see that it is in use."""
    work_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=work_dir))
    try:
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_task_folders(work_dir: Path) -> None:
    """Delete the folders of tasks whose worker is gone, and leave alone those that are new or locked."""
    for folder in work_dir.glob(f"{_PREFIX}*"):
        if _is_abandoned(folder):
            log.info("task_folder.swept", folder=folder.name)
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    try:
        if time.time() - folder.stat().st_mtime < _NEW_S or folder.stat().st_uid != os.getuid():
            return False
        with (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        return folder.is_dir()
    except OSError:
        return False

"""What the worker's environment decides."""

import os
import tempfile
from math import ceil
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.logs import LogFormat

_CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_USUAL_CONCURRENCY = 4


def _split(value: Any) -> Any:
    """Read `a, b` as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class WorkerSettings(BaseSettings):
    """Read once, in `main`, and passed down."""

    model_config = SettingsConfigDict(
        env_prefix="REVELA_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    work_dir: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()),
        description="Holds a folder for each running task; it is removed when the task ends; "
        "default: the system's temporary directory",
    )
    item_concurrency: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="Items of a task that run at once; they share the CPUs; default: the CPUs, at most 4",
    )
    operation_packages: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(),
        description="Extra packages of operations, comma-separated: each package holds `contracts` and `runs`",
    )
    log_format: LogFormat = Field(
        default="auto", description="`json`, `console`, or `auto`: readable on a terminal, else JSON"
    )
    die_with_parent: bool = Field(
        default=False,
        description="End, with everything started, when standard input is closed. The pool sets it for local workers, "
        "`revela worker` for its child",
    )
    worker_id: str = Field(
        default="",
        validation_alias="RUNPOD_POD_ID",
        description="The worker's name; default: set by RunPod or by `revela worker --id`",
    )

    @property
    def concurrency(self) -> int:
        """How many items run at once."""
        return self.item_concurrency or min(available_cpus(), _USUAL_CONCURRENCY)

    @property
    def threads_per_item(self) -> int:
        """How many CPU threads each of them may use."""
        return max(1, available_cpus() // self.concurrency)


def available_cpus() -> int:
    """Return how many CPUs this process may use: its affinity, capped by the container's quota (cgroup v2 cpu.max)."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _CPU_QUOTA.read_text().split()
        return min(usable, max(1, ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # No such file, or "max": no quota.
        return usable

"""What an ffmpeg may touch, and the command that holds it to that."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.media.running import launch

_LAUNCHER = Path(launch.__file__)
_LIBRARIES = ("/usr", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
_SYSTEM = ("/dev/null", "/dev/zero", "/dev/urandom", "/sys/devices/system/cpu", "/proc/cpuinfo", "/proc/meminfo")
_CUDA_READS = ("/proc", "/sys", "/etc/nvidia", "/dev/shm")  # noqa: S108 - the driver's
_CUDA_DEVICES = "nvidia*"
_NOFILE = 256
_ADDRESS_SPACE_FACTOR = 4
"""Address space is more than memory: threads' stacks and what is mapped and never touched count too."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What one run may touch beside ffmpeg itself: inputs to read, and folders to write into.

    `programs` are files and folders that may be run as well, `cuda` opens the GPU's devices.
    """

    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    programs: tuple[Path, ...] = ()
    cuda: bool = False


@dataclass(frozen=True, slots=True)
class Confinement:
    """What this machine's kernel can hold a process to."""

    files: bool
    """Whether it sees only its own files (Landlock)."""
    calls: bool
    """Whether it can open no socket (seccomp)."""
    reason: str
    """What was found, in one line."""

    @property
    def whole(self) -> bool:
        """Whether both work."""
        return self.files and self.calls


def confined(argv: Sequence[str], reach: Reach, limits: Mapping[str, int]) -> list[str]:
    """Return the command that runs `argv`, which names its program by an absolute path, within reach and limits."""
    wanted = {
        "limits": {"RLIMIT_CORE": 0, "RLIMIT_NOFILE": _NOFILE, **limits},
        "reads": [*_SYSTEM, *map(_resolved, reach.reads), *(_CUDA_READS if reach.cuda else ())],
        "runs": [*_LIBRARIES, *_of_program(argv[0]), *map(_resolved, reach.programs)],
        "writes": [
            "/dev/null",
            *map(_resolved, reach.writes),
            *(map(str, Path("/dev").glob(_CUDA_DEVICES)) if reach.cuda else ()),
        ],
    }
    return [sys.executable, "-I", "-S", str(_LAUNCHER), json.dumps(wanted), *argv]


def address_space(max_memory_bytes: int) -> int:
    """Return the limit on address space that stands behind the one on memory, for what never opens CUDA."""
    return _ADDRESS_SPACE_FACTOR * max_memory_bytes


def _of_program(program: str) -> list[str]:
    """Return the program's file, and where its libraries may lie: ``…/lib`` beside ``…/bin``, and LD_LIBRARY_PATH."""
    real = Path(program).resolve()
    beside = [str(real.parent.parent / "lib")] if real.parent.name == "bin" else []
    named = [folder for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":") if folder]
    return [str(real), *beside, *named]


def _resolved(path: Path) -> str:
    return str(path.resolve())


@functools.cache
def report() -> Confinement:
    """Return what works here, found out by a process that was confined and tries what it must not. Kept for good."""
    trial = _LAUNCHER.with_name("trespass.py")
    reach = Reach(reads=(trial,), programs=(Path(sys.base_prefix),))
    argv = confined([os.path.realpath(sys.executable), "-I", "-S", str(trial)], reach, {})
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=True, cwd="/")
        found = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as failure:
        return Confinement(files=False, calls=False, reason=f"could not be tried: {type(failure).__name__}")
    version = launch.landlock_version()
    told = (
        f"Landlock version {version} closes all other files" if found["files"] else "no Landlock: other files are open",
        "seccomp forbids sockets" if found["calls"] else "no seccomp: sockets are open",
    )
    return Confinement(files=found["files"], calls=found["calls"], reason="; ".join(told))

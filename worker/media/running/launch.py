"""What a child process does before it becomes ffmpeg: it gives up all that it does not need.

Run as a script, by a Python without site packages: ``launch.py CONFINEMENT COMMAND…``, where CONFINEMENT is JSON with
`limits` (resource limits by name), `reads`, `runs` and `writes` (paths). Needs the standard library alone. Where the
kernel lacks Landlock or seccomp, it goes on without; `confinement.report` says so.
"""

import contextlib
import ctypes
import errno
import json
import os
import platform
import resource
import stat
import struct
import sys
from typing import Any

REFUSED = 126
"""The exit status where a child could not be confined though the kernel can do it."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System calls of Landlock, the same on all machines (landlock(7))."""
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL_DEV = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_KNOWN_FS = ((1, 13), (2, 14), (3, 15), (5, 16))
"""From which version of Landlock on there are how many kinds of access to files."""
_NET_VERSION, _SCOPE_VERSION = 4, 6
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""Machines whose calls are known, by what the kernel calls them (AUDIT_ARCH in linux/audit.h)."""
_DENIED = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "io_uring_setup": (425, 425),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "mount": (165, 40),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "setns": (308, 268),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_by_handle_at": (304, 265),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "init_module": (175, 105),
    "finit_module": (313, 273),
}
"""What no encoder needs, by its number on each of those machines."""
_ABSENT = (errno.ENOSYS, errno.EOPNOTSUPP)

_libc = ctypes.CDLL(None, use_errno=True)


def landlock_version() -> int:
    """Return which version of Landlock the kernel has; 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, 0, 1)))


def confine_files(reads: list[str], runs: list[str], writes: list[str]) -> bool:
    """Close all files but those under the paths given, and all of TCP; return False where the kernel can't. OSError."""
    version = landlock_version()
    if not version:
        return False
    handled = (1 << max(count for since, count in _KNOWN_FS if version >= since)) - 1
    net = 3 if version >= _NET_VERSION else 0
    scope = 3 if version >= _SCOPE_VERSION else 0
    attributes = struct.pack("QQQ", handled, net, scope)[: 24 if scope else 16 if net else 8]
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0))
    looking = _READ_FILE | _READ_DIR
    for paths, access in ((reads, looking), (runs, looking | _EXECUTE), (writes, handled & ~_EXECUTE)):
        for path in paths:
            _allow(ruleset, path, access & handled)
    _give_up_privileges()
    _checked(_libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)
    return True


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(beneath).st_mode):
            access &= _OF_FILES
        _checked(_libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", access, beneath), 0))
    finally:
        os.close(beneath)


def forbid_calls() -> bool:
    """Forbid sockets and whatever else no encoder needs; return False where that can't be done. OSError."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _ARCHITECTURES:
        return False
    denied = [numbers[list(_ARCHITECTURES).index(machine)] for numbers in _DENIED.values()]
    program = [
        (0x20, 0, 0, 4),  # which architecture?
        (0x15, 1, 0, _ARCHITECTURES[machine]),
        (0x06, 0, 0, 0x80000000),  # another one: end the process
        (0x20, 0, 0, 0),  # which call?
        (0x35, len(denied) + 1, 0, 0x40000000),  # one of x32
        *((0x15, len(denied) - n, 0, number) for n, number in enumerate(denied)),
        (0x06, 0, 0, 0x7FFF0000),  # do it
        (0x06, 0, 0, 0x00050000 | errno.EPERM),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    _give_up_privileges()
    if _libc.prctl(_SET_SECCOMP, _FILTER, ctypes.c_ulong(ctypes.addressof(head)), 0, 0):
        if ctypes.get_errno() in (*_ABSENT, errno.EINVAL):
            return False
        raise OSError(ctypes.get_errno(), "seccomp")
    return True


def _give_up_privileges() -> None:
    _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))


def _checked(answer: int) -> int:
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def confine(wanted: dict[str, Any]) -> None:
    """Give up what `wanted` does not name. OSError where the kernel can, and does not."""
    for name, most in wanted["limits"].items():
        with contextlib.suppress(ValueError):  # what is in force already may be less
            resource.setrlimit(getattr(resource, name), (most, most))
    confine_files(wanted["reads"], wanted["runs"], wanted["writes"])
    forbid_calls()


def main() -> None:
    """Confine this process and become the command."""
    command = sys.argv[2:]
    try:
        confine(json.loads(sys.argv[1]))
        os.execv(command[0], command)  # noqa: S606 - an argv, and no shell
    except OSError as failure:
        sys.stderr.write(f"can't be started: {failure.strerror}\n")
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()

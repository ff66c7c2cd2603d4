"""Tries what a confined process must not be able to do, and prints as JSON what was prevented. Run as a script."""

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    """Open a file that nobody granted, and a socket."""
    prevented = {"files": _fails(lambda: Path("/etc/passwd").read_bytes()), "calls": _fails(socket.socket)}
    sys.stdout.write(json.dumps(prevented))


def _fails(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except PermissionError:
        return True
    return False


if __name__ == "__main__":
    main()

"""The words that call this command here, so that what it suggests can be copied."""

import shlex
import shutil
import sys
from pathlib import Path


def called_as() -> str:
    """Return what stands for `revela` in a command line: as it was called, or its name alone where that finds it."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m revela"
    found = shutil.which(called.name)
    if found is not None and Path(found).absolute() == called.absolute():
        return shlex.quote(called.name)
    return shlex.quote(sys.argv[0])

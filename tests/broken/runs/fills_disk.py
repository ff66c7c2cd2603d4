"""fills_disk: runs out of disk space."""

import errno
import os

from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Raise what a write would."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(context.output("text")))

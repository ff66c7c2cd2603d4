"""What is said when an upload breaks off: what was sent is kept, and how to go on."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from revela.called_as import called_as
from revela.client.errors import ConnectionFailed, ServerError
from revela.failures import Interrupted, ServerUnreachable
from revela.uploads.bar import UploadBars


@contextmanager
def going_on_later(bars: UploadBars) -> Iterator[None]:
    """Let an upload that breaks off say how to go on. Interrupted on Ctrl-C; ServerUnreachable once some was sent."""
    again = shlex.join([*called_as().split(), *sys.argv[1:]])
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"what was sent is kept; go on with: {again}") from None
    except (ConnectionFailed, ServerError) as broke:
        if not bars.any_sent:
            raise
        raise ServerUnreachable(f"{broke.detail}; what was sent is kept, go on with: {again}") from broke

"""raises: raises an error that nobody planned."""

from tests.broken.contract import Params, Result
from worker.context import Context


def run(params: Params, context: Context) -> Result:
    """Raise ValueError with a text that must not travel."""
    raise ValueError("a secret: s3cr3t-canary, and a path: /etc/canary")

"""The pool's address, as a person may write it."""

from urllib.parse import urlsplit

from revela.failures import UsageFault

POOL_PATH = "/v2/local"
"""Where every Revela server mounts its pool."""


def pool_address(url: str) -> str:
    """Return the pool's address without a trailing slash; a bare server address gets the pool's path.

    UsageFault for what is no address of a pool.
    """
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if not usable or parts.query or parts.fragment:
        raise UsageFault(f"--url {url}: must look like http://HOST:PORT{POOL_PATH}")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or POOL_PATH}"

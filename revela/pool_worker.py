"""Becoming a worker of a pool: this process turns into the same worker that runs on RunPod."""

import os
import sys
from urllib.parse import urlsplit

from revela.failures import UsageFault
from shared.worker_environment import runpod_environment

_NO_HOME = "/nonexistent"
"""What Debian gives users that have no home (adduser.conf(5))."""


def become_worker(endpoint_url: str, worker_id: str, token: str) -> None:
    """Replace this process with a worker that takes tasks from `endpoint_url`; does not return.

    UsageFault for an address that is none: the SDK would ask it again for ever, thousands of times a second.
    It has no home: the SDK would prefer a key that it finds in ~/.runpod/config.toml to our token.
    """
    address = urlsplit(endpoint_url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise UsageFault(f"--url {endpoint_url}: must look like http://HOST:PORT/v2/local")
    environment = runpod_environment(endpoint_url, worker_id, token)
    environment["HOME"] = _NO_HOME
    argv = [sys.executable, "-m", "worker.handler"]
    os.execve(sys.executable, argv, {**os.environ, **environment})  # noqa: S606 - no shell is meant

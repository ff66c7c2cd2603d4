"""The child: the unmodified SDK worker, in a session of its own that ends with this process."""

import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.processes import kill_session
from shared.worker_environment import runpod_environment

_OURS = ("REVELA_WORKER_TOKEN", "REVELA_ENDPOINT_URL")
_KEPT = ("RUNPOD_LOG_LEVEL", "RUNPOD_DEBUG_LEVEL")


@asynccontextmanager
async def sdk_worker(gate_url: str, worker_id: str, key: str) -> AsyncIterator[Process]:
    """Run a worker of the endpoint at `gate_url`; at the end nothing is left of its session.

    Its home is an empty folder: the SDK would prefer a key that it finds in ~/.runpod/config.toml to ours.
    """
    with tempfile.TemporaryDirectory(prefix="revela-home-") as home:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "worker.handler"),
            stdin=PIPE,  # held open: its end tells the worker that we are gone
            env=_environment(home) | runpod_environment(gate_url, worker_id, key),
            start_new_session=True,
        )
        try:
            yield process
        finally:
            kill_session(process.pid)
            await process.wait()


def _environment(home: str) -> dict[str, str]:
    """Return this process's environment without the token, and without what RunPod sets on its own machines.

    At its level INFO the SDK does not print the outputs. Its pings would heed a proxy even on loopback.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in _OURS and (name in _KEPT or not name.startswith("RUNPOD_"))
    }
    direct = ",".join(filter(None, (os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), "127.0.0.1")))
    return (
        {"RUNPOD_LOG_LEVEL": "INFO"}
        | inherited
        | {"HOME": home, "REVELA_DIE_WITH_PARENT": "1", "no_proxy": direct, "NO_PROXY": direct}
    )

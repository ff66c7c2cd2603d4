"""What limits a figure: which threads the cores worked for, and what those threads were doing."""

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.load.process import Work

_KINDS = (
    ("/sqlalchemy/", "SQLAlchemy"),
    ("/pydantic", "pydantic"),
    ("/uvicorn/", "uvicorn"),
    ("/starlette/", "Starlette"),
    ("/structlog/", "log lines"),
    ("/shared/logs", "log lines"),
    ("/limits/", "rate limits"),
    ("/aiohttp/", "aiohttp client"),
    ("/tenacity/", "aiohttp client"),
    ("/json/", "JSON"),
    ("/orchestrator/", "own code"),
    ("/shared/", "own code"),
    ("/asyncio/", "event loop"),
    ("/uvloop/", "event loop"),
)
_IDLE = {
    ("runners.py", "run"): "waiting",
    ("thread.py", "_worker"): "waiting",
    ("threading.py", "wait"): "waiting",
    ("store.py", "_write_loop"): "waiting",
}
"""The innermost frame of a thread that has nothing to do."""
_COMMIT = "do_commit"


def cores(before: Work, after: Work) -> str:
    """Say how much of a core each thread had between two looks, the event loop first."""
    passed_s = after.at_s - before.at_s
    used = {
        thread: (worked_s - before.by_thread.get(thread, 0.0)) / passed_s
        for thread, worked_s in after.by_thread.items()
    }
    loop = next(iter(used))
    others = sorted((share for thread, share in used.items() if thread != loop and share >= 0.01), reverse=True)
    return f"event loop {used[loop]:.2f} of a core, other threads {' + '.join(f'{share:.2f}' for share in others) or 0}"


@contextlib.contextmanager
def sampling(control: Path) -> Iterator[None]:
    """Have the server note what its threads do for as long as this lasts; `doing` then tells it."""
    control.with_suffix(".json").unlink(missing_ok=True)
    control.touch()
    try:
        yield
    finally:
        control.unlink()
        end_s = time.monotonic() + 5
        while not control.with_suffix(".json").exists() and time.monotonic() < end_s:
            time.sleep(0.02)


def doing(control: Path) -> list[str]:
    """Return one line for the event loop and one for the writer: the shares of their time."""
    samples = json.loads(control.with_suffix(".json").read_text())
    lines = []
    for thread, name in (("MainThread", "event loop"), ("store-writer", "writer")):
        kinds: Counter[str] = Counter()
        for sampled, stack, count in samples:
            if sampled == thread:
                kinds[_kind(stack)] += count
        shares = ", ".join(f"{kind} {100 * count / kinds.total():.0f} %" for kind, count in kinds.most_common(7))
        lines.append(f"{name}: {shares}")
    return lines


def _kind(stack: list[str]) -> str:
    file, _, function = stack[0].rpartition(":")
    if idle := _IDLE.get((file.rpartition("/")[2], function)):
        return idle
    if any(frame.endswith(f":{_COMMIT}") for frame in stack[:3]):
        return "commit (fsync)"
    for frame in stack:
        for part, kind in _KINDS:
            if part in frame:
                return kind
    return "other"

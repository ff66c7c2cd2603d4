"""The `revela` command with a sampler beside it: while a file asks for it, it notes what each thread is doing."""

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from revela.cli import main

_LOOK_S = 0.05
_SAMPLE_S = 0.004
_SWITCH_S = 0.0005
"""Threads give way this often while samples are taken: else they are only ever seen where they wait."""
_DEPTH = 40


def _sample(control: Path) -> None:
    while True:
        time.sleep(_LOOK_S)
        if control.exists():
            _sample_until_gone(control)


def _sample_until_gone(control: Path) -> None:
    stacks: Counter[tuple[str, tuple[str, ...]]] = Counter()
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    while control.exists():
        time.sleep(_SAMPLE_S)
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():  # noqa: SLF001 - there is no other way to it
            if ident != threading.get_ident():
                stacks[names.get(ident, "?"), _stack(frame)] += 1
    sys.setswitchinterval(usual_s)
    found = [[name, list(stack), count] for (name, stack), count in stacks.most_common()]
    control.with_suffix(".writing").write_text(json.dumps(found))
    control.with_suffix(".writing").rename(control.with_suffix(".json"))


def _stack(frame: FrameType | None) -> tuple[str, ...]:
    """Return `FILE:FUNCTION` of each frame, the innermost first."""
    found = []
    while frame is not None and len(found) < _DEPTH:
        found.append(f"{frame.f_code.co_filename}:{frame.f_code.co_name}")
        frame = frame.f_back
    return tuple(found)


if __name__ == "__main__":
    threading.Thread(target=_sample, args=(Path(os.environ["BENCH_SAMPLES"]),), name="sampler", daemon=True).start()
    main()

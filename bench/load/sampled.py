"""The `revela` command with a sampler beside it: while a file asks for it, it notes what each thread is doing."""

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from revela.cli import main

_LOOK_S = 0.05
_SAMPLE_S = 0.003
_DEPTH = 40

Stack = tuple[str, ...]


class Sampler:
    """Looks at all threads on a timer's signal.

    Python handles it in the main thread, between two of its own steps: a thread that had to ask for its turn would
    see the others only where they give theirs away.
    """

    def __init__(self, control: Path) -> None:
        self._control = control
        self._stacks: Counter[tuple[str, Stack]] = Counter()
        signal.signal(signal.SIGALRM, self._take)
        threading.Thread(target=self._obey, name="sampler", daemon=True).start()

    def _obey(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            if self._control.exists():
                self._stacks.clear()
                signal.setitimer(signal.ITIMER_REAL, _SAMPLE_S, _SAMPLE_S)
                while self._control.exists():
                    time.sleep(_LOOK_S)
                signal.setitimer(signal.ITIMER_REAL, 0)
                self._write()

    def _take(self, _signal_number: int, interrupted: FrameType | None) -> None:
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        frames = sys._current_frames()  # noqa: SLF001 - there is no other way to see them
        for ident, frame in frames.items():
            here = ident == threading.get_ident()
            self._stacks[names.get(ident, "?"), _stack(interrupted if here else frame)] += 1

    def _write(self) -> None:
        found: list[Any] = [[name, list(stack), count] for (name, stack), count in self._stacks.most_common()]
        draft = self._control.with_suffix(".writing")
        draft.write_text(json.dumps(found))
        draft.rename(self._control.with_suffix(".json"))


def _stack(frame: FrameType | None) -> Stack:
    """Return `FILE:FUNCTION` of each frame, the innermost first."""
    found: list[str] = []
    while frame is not None and len(found) < _DEPTH:
        found.append(f"{frame.f_code.co_filename}:{frame.f_code.co_name}")
        frame = frame.f_back
    return tuple(found)


if __name__ == "__main__":
    Sampler(Path(os.environ["BENCH_SAMPLES"]))
    main()

"""Running an operation in a thread that can be left behind if it does not obey."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
_NAME_PREFIX = "operation-"


@dataclass(slots=True)
class Outcome(Generic[T]):
    """How a call ended: with a value, or with any exception at all, SystemExit included."""

    value: T | None = None
    error: BaseException | None = None


def start_thread(name: str, call: Callable[[], T]) -> "asyncio.Future[Outcome[T]]":
    """Run `call` in a daemon thread of its own; the future never fails.

    A daemon thread, because one that never returns must not keep the process from ending.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Outcome[T]] = loop.create_future()
    context = contextvars.copy_context()

    def target() -> None:
        outcome = _call(lambda: context.run(call))
        try:
            loop.call_soon_threadsafe(_settle, future, outcome)
        except RuntimeError:  # The loop ended without us: we had been left behind.
            return

    threading.Thread(target=target, name=_NAME_PREFIX + name, daemon=True).start()
    return future


def stuck_threads() -> list[str]:
    """Return the names of the operations' threads that still run, between tasks: those that did not obey."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(_NAME_PREFIX)]


def _call(call: Callable[[], T]) -> Outcome[T]:
    try:
        return Outcome(value=call())
    except BaseException as error:  # noqa: BLE001 an operation that exits must not take the worker along
        return Outcome(error=error)


def _settle(future: "asyncio.Future[Outcome[T]]", outcome: Outcome[T]) -> None:
    if not future.done():
        future.set_result(outcome)

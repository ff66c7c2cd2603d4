"""Names that nobody answers for hold up no other work of the process."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from shared.fetch_guard import guarded_get, guarded_session

_MANY = 40
"""More than the threads that an event loop has."""


async def test_names_that_hang_leave_the_event_loop_s_threads_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, real = threading.Event(), socket.getaddrinfo

    def hanging(host: Any, *args: Any, **options: Any) -> Any:
        if not str(host).endswith(".slow.example"):
            return real(host, *args, **options)
        answer.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)

    async def fetch(n: int) -> None:
        async with guarded_get(client, f"http://n{n}.slow.example/a"):
            pass

    async with guarded_session() as client:
        fetching = [asyncio.create_task(fetch(n)) for n in range(_MANY)]
        try:
            await asyncio.sleep(0.1)
            async with asyncio.timeout(2):
                assert await asyncio.to_thread(lambda: "done") == "done"
        finally:
            answer.set()
            for one in fetching:
                one.cancel()
            await asyncio.gather(*fetching, return_exceptions=True)
    assert not [
        one for one in threading.enumerate() if one.name.startswith("resolver") and not one.daemon and busy(one)
    ]


def busy(thread: threading.Thread) -> bool:
    """Whether it is still there a moment later."""
    thread.join(2)
    return thread.is_alive()

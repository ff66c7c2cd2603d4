"""A TCP proxy on loopback that cuts connections when it is told to."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_BLOCK_BYTES = 16 << 10


class CuttingProxy:
    """Passes bytes on to `target`; the next connections are cut after so many bytes of answers."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.target = ""
        self.cuts: list[int] = []
        """For each of the next connections that answers more than that: how many bytes it lets through."""
        self.cut = 0
        """How many connections were cut."""
        self.requests: list[bytes] = []
        """What was sent to the target, by piece."""
        self._open: set[socket.socket] = set()

    def serve(self) -> None:
        """Accept until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self._open.add(client)
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        address = urlsplit(self.target)
        try:
            server = socket.create_connection((address.hostname or "", address.port or 0))
        except OSError:
            _reset(client)
            return
        self._open.add(server)
        for passing in (self._ask, self._answer):
            threading.Thread(target=passing, args=(client, server), daemon=True).start()

    def reset_all(self) -> None:
        """Reset every connection that is open."""
        for one in list(self._open):
            _reset(one)

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while block := client.recv(_BLOCK_BYTES):
                self.requests.append(block)
                server.sendall(block)
        _end(client, server)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while block := server.recv(_BLOCK_BYTES):
                limit = self.cuts[0] if self.cuts else None
                if limit is not None and passed + len(block) > limit:
                    self.cuts.pop(0)
                    self.cut += 1
                    # An end in order: a reset might take back what has arrived.
                    client.sendall(block[: limit - passed])
                    break
                client.sendall(block)
                passed += len(block)
        _end(client, server)


@contextmanager
def cutting_proxy() -> Iterator[CuttingProxy]:
    """Run a proxy; set its `target` before anyone connects."""
    proxy = CuttingProxy()
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        # A shutdown wakes the thread that accepts; closing alone does not.
        with suppress(OSError):
            proxy.listener.shutdown(socket.SHUT_RDWR)
        proxy.listener.close()
        proxy.reset_all()
        thread.join(10)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


def _reset(one: socket.socket) -> None:
    """Close with a reset instead of an end in order."""
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()

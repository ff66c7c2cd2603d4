"""Where the server is and who asks: from arguments or the environment to what both clients connect with."""

import os
from dataclasses import dataclass
from typing import Any

import httpx

from revela.client.errors import InvalidArgument

DEFAULT_URL = "http://127.0.0.1:3000"
LONG_POLL_S = 25
"""The longest `wait` that the server holds an answer for."""

_CONNECT_S = 15.0
_ANSWER_S = LONG_POLL_S + 15.0
_SILENCE_S = 45.0
"""A stream of events brings a heartbeat every 15 s; three that are missing mean that nobody is there."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A server's address and a key of it."""

    url: str
    key: str

    @classmethod
    def of(cls, url: str | None, key: str | None) -> "Connection":
        """Return the connection; REVELA_URL and REVELA_API_KEY speak for what is None. InvalidArgument.

        An empty key stands for none: the catalogue of operations needs no key.
        """
        address = url if url is not None else os.environ.get("REVELA_URL") or DEFAULT_URL
        secret = key if key is not None else os.environ.get("REVELA_API_KEY")
        if secret is None:
            raise InvalidArgument("no API key: give one, or set REVELA_API_KEY")
        if not (secret.isascii() and secret.isprintable()):
            raise InvalidArgument("the API key holds characters that no key has; copy it again")
        try:
            httpx.URL(address)
        except httpx.InvalidURL as wrong:
            raise InvalidArgument(f"{address} is not an address: {wrong}") from wrong
        return cls(address.rstrip("/"), secret)

    def api_options(self) -> dict[str, Any]:
        """Return how to talk to the server."""
        headers = {"X-API-Key": self.key} if self.key else {}
        return {"base_url": self.url, "headers": headers, "timeout": httpx.Timeout(_CONNECT_S, read=_ANSWER_S)}

    def link_options(self) -> dict[str, Any]:
        """Return how to follow links to files: they may lead to another host, which has no business with the key.

        A file comes as it is: parts of a compressed one could not be put together.
        """
        timeout = httpx.Timeout(_CONNECT_S, read=_SILENCE_S)
        return {"headers": {"Accept-Encoding": "identity"}, "timeout": timeout, "follow_redirects": True}


STREAM_TIMEOUT = httpx.Timeout(_CONNECT_S, read=_SILENCE_S)

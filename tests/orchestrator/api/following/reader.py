"""An event stream read as the HTML standard says (§9.2.6), independently of the library that writes it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(frozen=True)
class Event:
    """One dispatched event; `id` is the last one that was given, by this event or one before."""

    kind: str
    data: Any
    id: str


@dataclass
class EventReader:
    """Parses an open answer line by line; comments and the reconnection time are kept beside the events."""

    response: httpx.Response
    comments: list[str] = field(default_factory=list)
    retry_ms: int | None = None

    def __post_init__(self) -> None:
        self._arriving = self._parse()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._arriving

    async def next(self) -> Event:
        """Return the next event."""
        return await anext(self._arriving)

    async def _parse(self) -> AsyncIterator[Event]:
        kind, data, last_id = "", list[str](), ""
        async for line in self.response.aiter_lines():
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match name:
                case "" if line:
                    self.comments.append(value)
                case "":
                    if data:
                        yield Event(kind or "message", json.loads("\n".join(data)), last_id)
                    kind, data = "", []
                case "event":
                    kind = value
                case "data":
                    data.append(value)
                case "id":
                    last_id = value
                case "retry":
                    self.retry_ms = int(value)

    async def rest(self) -> list[Event]:
        """Return all events up to the stream's end."""
        return [event async for event in self]


@asynccontextmanager
async def following(client: httpx.AsyncClient, address: str, **options: Any) -> AsyncIterator[EventReader]:
    """Open a stream; AssertionError if it is none."""
    async with client.stream("GET", address, timeout=20, **options) as response:
        if response.status_code != 200:
            raise AssertionError(f"{response.status_code}: {(await response.aread()).decode()}")
        assert response.headers["content-type"].startswith("text/event-stream")
        reader = EventReader(response)  # kept here: one that is collected hangs up
        yield reader


def stored(events: list[Event]) -> list[tuple[str, Any]]:
    """Return the history's events, each by what it tells: a status, or an item's id and status."""
    return [(event.kind, _told(event)) for event in events if event.kind != "progress"]


def _told(event: Event) -> Any:
    status = event.data["status"]
    return status if event.kind == "status" else (event.data["id"], status)

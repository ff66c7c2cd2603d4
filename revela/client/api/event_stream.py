"""A job's server-sent events: bytes in, typed events out, and where to go on after a break."""

import codecs
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

import httpx
from pydantic import ValidationError

from revela.client.api.answers import error_of
from revela.client.api.paths import job_path, missing
from revela.client.connection import STREAM_TIMEOUT
from revela.client.errors import ConnectionFailed, NotRevela
from shared.wire.events import ItemEvent, StatusEvent
from shared.wire.job import ProgressView

EventType = Literal["status", "item", "progress"]
EventData = StatusEvent | ItemEvent | ProgressView

_MODELS: dict[str, tuple[EventType, type[EventData]]] = {
    "status": ("status", StatusEvent),
    "item": ("item", ItemEvent),
    "progress": ("progress", ProgressView),
}
_LINE_END = re.compile(r"\r\n|\r(?!$)|\n")
"""A carriage return at the very end may be half of a line's end."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Something that happened to a job.

    `id` is what a later stream can go on after; progress has none. `data` is of the type that `type` names.
    """

    type: EventType
    id: str | None
    data: EventData


class EventStream:
    """The events of one job over as many connections as it takes."""

    def __init__(self, job_id: str, after: str | None) -> None:
        """`after` is the id of the last event that is known already."""
        self.last_id = after
        self.ended = False
        self._job_id = job_id
        self._lines = _Lines()
        self._message = _Message()

    def options(self) -> dict[str, Any]:
        """Return what httpx's `stream` is called with, for the events after the last."""
        self._lines, self._message = _Lines(), _Message()
        headers = {"Accept": "text/event-stream"}
        if self.last_id is not None:
            headers["Last-Event-ID"] = self.last_id
        return {
            "method": "GET",
            "url": job_path(self._job_id, "/events"),
            "headers": headers,
            "timeout": STREAM_TIMEOUT,
        }

    def began(self, response: httpx.Response) -> None:
        """Take the head of an answer; where that is no success, its body must have been read. ClientError."""
        if response.status_code == HTTPStatus.NO_CONTENT:
            self.ended = True
        elif not response.is_success:
            raise error_of(response, missing("job", self._job_id))
        elif not response.headers.get("content-type", "").startswith("text/event-stream"):
            raise NotRevela(f"what answers at {response.url.host} is not a Revela server")

    def read(self, block: bytes) -> list[StreamEvent]:
        """Return the events that are complete with `block`."""
        events = []
        for line in self._lines.read(block):
            if line:
                self._message.add(line)
                continue
            message, self._message = self._message, _Message()
            if message.id is not None:
                self.last_id = message.id
            event = message.event()
            if event is not None:
                events.append(event)
                self.ended |= isinstance(event.data, StatusEvent) and event.data.status.terminal
        return events

    def closed(self) -> None:
        """Say that an answer is over: ConnectionFailed unless the job's end was told."""
        if not self.ended:
            raise ConnectionFailed(f"the events of {self._job_id} broke off")


class _Lines:
    """Bytes cut into lines, however they arrive."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def read(self, block: bytes) -> list[str]:
        *lines, self._rest = _LINE_END.split(self._rest + self._decoder.decode(block))
        return lines


class _Message:
    """One event in the making, as the HTML standard §9.2.6 reads it."""

    def __init__(self) -> None:
        self.id: str | None = None
        self._type = "message"
        self._data: list[str] = []

    def add(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._type = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self.id = value

    def event(self) -> StreamEvent | None:
        """Return the event; None for a heartbeat and for kinds that this release does not know."""
        if self._type not in _MODELS or not self._data:
            return None
        kind, model = _MODELS[self._type]
        try:
            return StreamEvent(kind, self.id, model.model_validate_json("\n".join(self._data)))
        except ValidationError as foreign:
            raise NotRevela(f"an event that can't be read: {kind}") from foreign

"""What an attempt's end means for its items: done, failed, or to be tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.jobs.states import AttemptEnd
from shared.errors import AttemptsExhausted, JobError, QueueExpired, WorkCancelled, WorkTimedOut
from shared.wire.problem import ErrorInfo
from shared.wire.result import ItemResult, StoredOutput
from shared.wire.status import Status


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An item that an attempt's order named and that has not ended."""

    n: int
    id: str


@dataclass(frozen=True, slots=True)
class ItemEnd:
    """The final state of one item."""

    n: int
    id: str
    status: Status
    error: ErrorInfo | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    """By slot: key, content_type, size_bytes, sha256, facts, and where the storage has one, etag."""
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is to be written: the items that ended, and whether the rest gets another attempt."""

    ended: tuple[ItemEnd, ...]
    retry: bool


def settle(
    items: Sequence[OpenItem],
    results: Mapping[str, ItemResult],
    end: AttemptEnd,
    *,
    attempts_left: int,
    cancelled: bool = False,
    reported: ErrorInfo | None = None,
    etags: Mapping[str, str] | None = None,
) -> Settlement:
    """Decide on every open item of an attempt that ended.

    `results` holds what storage had, by item id. An item without a result, or that failed retryably, is tried
    again while `attempts_left` is positive, its time in the queue is not over and nobody cancelled. `reported` is
    why the worker refused the whole task, if it said so; `etags`, by key, are those of the files that storage had.
    """
    stop = cancelled or end is AttemptEnd.CANCELLED
    ended: list[ItemEnd] = []
    for item in items:
        result = results.get(item.id)
        if result is not None and is_final(result):
            ended.append(item_end(item, result, etags))
        elif stop:
            ended.append(_failure(item, Status.CANCELLED, WorkCancelled()))
        elif attempts_left <= 0 or end is AttemptEnd.EXPIRED:
            ended.append(_without_more_attempts(item, result, end, reported, etags))
    return Settlement(tuple(ended), retry=len(ended) < len(items))


def is_final(result: ItemResult) -> bool:
    """Whether no further attempt could change this result."""
    return result.status == "COMPLETED" or (result.error is not None and not result.error.retryable)


def item_end(item: OpenItem, result: ItemResult, etags: Mapping[str, str] | None = None) -> ItemEnd:
    """Return the end that a worker's result is for its item; the files' `etags`, by key, are pinned.

    A field of the operation's Result that is named like a slot holds that file's facts.
    """
    outputs = {slot: _output(output, result.result.get(slot), etags or {}) for slot, output in result.outputs.items()}
    rest = {name: value for name, value in result.result.items() if name not in outputs}
    return ItemEnd(item.n, item.id, Status(result.status), result.error, outputs, rest)


def _output(output: StoredOutput, facts: Any, etags: Mapping[str, str]) -> dict[str, Any]:
    pinned = {"etag": etags[output.key]} if output.key in etags else {}
    return {**output.model_dump(), "facts": facts if isinstance(facts, dict) else {}, **pinned}


def _without_more_attempts(
    item: OpenItem,
    result: ItemResult | None,
    end: AttemptEnd,
    reported: ErrorInfo | None,
    etags: Mapping[str, str] | None,
) -> ItemEnd:
    if result is not None:
        return item_end(item, result, etags)
    if end is AttemptEnd.TIMED_OUT:
        return _failure(item, Status.TIMED_OUT, WorkTimedOut())
    if end is AttemptEnd.EXPIRED:
        return _failure(item, Status.TIMED_OUT, QueueExpired())
    if reported is not None:
        return ItemEnd(item.n, item.id, Status.FAILED, reported)
    return _failure(item, Status.FAILED, AttemptsExhausted())


def _failure(item: OpenItem, status: Status, error: JobError) -> ItemEnd:
    return ItemEnd(item.n, item.id, status, ErrorInfo.of(error))

"""What is accepted: a request is checked against its operation's contract and becomes a planned job."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

from orchestrator.caller import Caller
from orchestrator.jobs.plan import plan_tasks
from orchestrator.jobs.unknown_names import did_you_mean, unknown_field
from orchestrator.jobs.webhook import check_webhook
from orchestrator.settings import Settings
from shared.catalogue import Catalogue
from shared.clock import Clock
from shared.errors import SourceBlocked, SourceInvalid
from shared.fetch_guard import check_address
from shared.ids import JobId, TaskId, new_job_id, new_task_ids
from shared.operation import AnyOperation
from shared.refusals import FieldError, InvalidRequest, UnknownOperation
from shared.wire.job import JobRequest, Priority
from shared.wire.media_input import MediaInput, media_inputs

MAX_FAULTS = 50
"""How many faults of a request are told at most."""
PRIORITIES = (Priority.HIGH, Priority.NORMAL, Priority.LOW)
"""By the number that is stored: 0 goes first."""


@dataclass(frozen=True, slots=True)
class AcceptedItem:
    """One item with its parameters resolved."""

    n: int
    id: str
    params: dict[str, Any]
    task_id: TaskId


@dataclass(frozen=True, slots=True)
class AcceptedTask:
    """One task of the plan."""

    id: TaskId
    n: int
    cost_s: float
    items_total: int


@dataclass(frozen=True, slots=True)
class AcceptedJob:
    """A job that may be stored."""

    id: JobId
    caller: Caller
    operation: str
    operation_version: int
    priority: int
    labels: dict[str, str]
    items: tuple[AcceptedItem, ...]
    tasks: tuple[AcceptedTask, ...]
    own_inputs: tuple[tuple[str, MediaInput], ...]
    """(JSON pointer, input) of the uploads and earlier outputs it needs; whether they exist is for the store."""
    created_ms: int
    queue_deadline_ms: int
    output_ttl_ms: int | None
    max_open_items: int
    """How many items its tenant may have open, this job's included."""
    max_input_bytes: int
    """How large each of its inputs may be."""
    uploads_kept_ms: int = 0
    """How long uploads are kept once a job was given them."""
    webhook: str | None = None
    webhook_events: tuple[str, ...] | None = None
    """None: all with which a job ends."""


def accept_job(body: Any, *, catalogue: Catalogue, caller: Caller, settings: Settings, clock: Clock) -> AcceptedJob:
    """Return the planned job that `body` asks for.

    Raises InvalidRequest with a pointer for each fault, or UnknownOperation.
    """
    request = _read_request(body)
    operation = catalogue.get(request.operation)
    if operation is None:
        detail = f"there is no operation {request.operation}{did_you_mean(request.operation, tuple(catalogue))}"
        raise UnknownOperation(errors=[FieldError("/operation", detail)])
    check_webhook(request, settings.private_sources, settings.public_url)
    checked = _CheckedItems(request, operation, settings.private_sources, caller.source_hosts)
    return _planned(request, operation, checked, caller, settings, clock)


class _CheckedItems:
    """Every item's id and validated Params; raises InvalidRequest with all faults found."""

    def __init__(
        self,
        request: JobRequest,
        operation: AnyOperation,
        allow_private: tuple[str, ...],
        source_hosts: tuple[str, ...] | None,
    ) -> None:
        self.items: list[tuple[str, BaseModel]] = []
        self.own_inputs: list[tuple[str, MediaInput]] = []
        self._faults: dict[str, FieldError] = {}
        self._allow_private = allow_private
        self._source_hosts = source_hosts
        seen: set[str] = set()
        for n, (item_id, params) in enumerate(request.all_items()):
            if len(self._faults) >= MAX_FAULTS:
                break
            where = "/input" if request.items is None else f"/items/{n}"
            if item_id in seen:
                self._fault(f"{where}/id", "another item has this id")
            seen.add(item_id)
            self._check(item_id, params, operation, _Origin(where, request, n))
        if self._faults:
            raise InvalidRequest(errors=tuple(self._faults.values()))

    def _check(self, item_id: str, params: dict[str, Any], operation: AnyOperation, origin: "_Origin") -> None:
        try:
            valid = operation.params.model_validate_json(json.dumps(params), strict=True)
        except ValidationError as invalid:
            for fault in field_errors(invalid, operation.params, "parameter"):
                self._fault(origin.pointer(fault.pointer), fault.detail)
            return
        for pointer, media in media_inputs(valid):
            self._check_input(origin.pointer(pointer), media)
        self.items.append((item_id, valid))

    def _check_input(self, pointer: str, media: MediaInput) -> None:
        if not media.is_url:
            self.own_inputs.append((pointer, media))
            return
        try:
            check_address(media, self._allow_private, self._source_hosts)
        except (SourceInvalid, SourceBlocked) as refused:
            self._fault(pointer, refused.detail)

    def _fault(self, pointer: str, detail: str) -> None:
        if len(self._faults) < MAX_FAULTS:
            self._faults.setdefault(pointer, FieldError(pointer, detail))


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where an item's parameters stand in the request, so that a pointer leads to what the caller wrote."""

    where: str
    request: JobRequest
    n: int

    def pointer(self, within: str) -> str:
        field = within.split("/")[1] if within else ""
        own: Mapping[str, Any] = self.request.input or {}
        if self.request.items is not None:
            own = self.request.items[self.n].params
        from_defaults = field in self.request.defaults and field not in own
        return f"{'/defaults' if from_defaults else self.where}{within}"


def _read_request(body: Any) -> JobRequest:
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    try:
        return JobRequest.model_validate_json(json.dumps(body), strict=True)
    except ValidationError as invalid:
        raise InvalidRequest(errors=field_errors(invalid, JobRequest)) from None


def field_errors(
    invalid: ValidationError, model: type[BaseModel] | None = None, noun: str = "field"
) -> list[FieldError]:
    """Return pydantic's first findings as JSON pointers (RFC 6901) and sentences.

    With the `model` that was read, a field that it does not have is an unknown `noun`, with what was probably meant.
    """
    found = invalid.errors(include_url=False, include_context=False, include_input=False)
    return [
        FieldError(
            "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in fault["loc"]),
            unknown_field(fault["loc"], model, noun)
            if model is not None and fault["type"] == "extra_forbidden"
            else fault["msg"].removeprefix("Value error, "),
        )
        for fault in islice(found, MAX_FAULTS)
    ]


def _planned(
    request: JobRequest,
    operation: AnyOperation,
    checked: _CheckedItems,
    caller: Caller,
    settings: Settings,
    clock: Clock,
) -> AcceptedJob:
    costs_s = [operation.cost_s(params) for _, params in checked.items]
    items: list[AcceptedItem] = []
    tasks: list[AcceptedTask] = []
    planned = plan_tasks(costs_s, settings.max_workers)
    ids = new_task_ids(clock, len(planned))
    for n, positions in enumerate(planned):
        task = AcceptedTask(ids[n], n, sum(costs_s[i] for i in positions), len(positions))
        tasks.append(task)
        for i in positions:
            item_id, params = checked.items[i]
            items.append(AcceptedItem(i, item_id, params.model_dump(mode="json"), task.id))
    now_ms = clock.now_ms()
    return AcceptedJob(
        id=new_job_id(clock),
        caller=caller,
        operation=operation.name,
        operation_version=operation.version,
        priority=PRIORITIES.index(request.priority),
        labels=dict(request.labels),
        items=tuple(items),
        tasks=tuple(tasks),
        own_inputs=tuple(checked.own_inputs),
        created_ms=now_ms,
        queue_deadline_ms=now_ms + request.queue_ttl_s * 1000,
        output_ttl_ms=None if request.output_ttl_s is None else request.output_ttl_s * 1000,
        max_open_items=settings.max_queued_items,
        max_input_bytes=operation.limits.max_input_bytes,
        uploads_kept_ms=round(settings.upload_keep_s * 1000),
        webhook=request.webhook,
        webhook_events=None if request.webhook_events is None else tuple(request.webhook_events),
    )

"""Granting a running attempt what has ended, or more files than its order could count."""

import asyncio
from collections.abc import Mapping

from pydantic import ValidationError
from sqlalchemy.engine import Connection

from orchestrator.dispatch.grants import AttemptGrants
from orchestrator.services import Services
from orchestrator.storage.keys import manifest_key, result_key
from orchestrator.store.acting.renew import RunningAttempt, inputs_of, running_attempt
from orchestrator.store.attempts import OrderedItem
from shared.operation import AnyOperation, Slot, slots_by_name
from shared.refusals import AttemptEnded, FieldError, InvalidRequest
from shared.wire.work_order import MAX_GRANTS, FurtherFiles, GrantsReply, GrantsRequest, InputGrant, UploadGrant


async def renew(services: Services, asked: GrantsRequest) -> GrantsReply:
    """Return fresh and further grants for the current attempt of a task.

    AttemptEnded for any other; InvalidRequest for keys, inputs or files that are none of its own.
    """
    now_ms = services.clock.now_ms()

    def read(connection: Connection) -> tuple[RunningAttempt, dict[str, str]]:
        attempt = running_attempt(connection, asked.task_id, asked.attempt, now_ms)
        if attempt is None:
            raise AttemptEnded
        return attempt, inputs_of(connection, attempt) if asked.inputs else {}

    attempt, inputs = await services.store.read(read)
    operation = services.catalogue.get(attempt.operation)
    if operation is None:
        raise AttemptEnded("This server no longer has the operation.")
    try:
        # In a thread: signing hundreds of addresses takes its time.
        return await asyncio.to_thread(_Renewal(services, attempt, operation, inputs).reply, asked)
    except ValidationError as unfit:
        raise AttemptEnded("This server's operation no longer takes the job's parameters.") from unfit


class _Renewal:
    """What one attempt may have."""

    def __init__(
        self, services: Services, attempt: RunningAttempt, operation: AnyOperation, inputs: Mapping[str, str]
    ) -> None:
        self._operation = operation
        self._inputs = inputs
        self._by_id = {item.id: item for item in attempt.items}
        self._by_n = {str(item.n): item for item in attempt.items}
        self._files: dict[int, dict[str, Slot]] = {}
        """By item's position and file name."""
        self._grants = AttemptGrants.of(
            services, attempt.tenant, attempt.job_id, attempt.task_n, attempt.n, attempt.deadline_ms
        )

    def reply(self, asked: GrantsRequest) -> GrantsReply:
        """Return all that is asked for; InvalidRequest at the first that can't be had."""
        if sum(files.count for files in asked.further) > MAX_GRANTS:
            raise _refused("/further", f"at most {MAX_GRANTS} files can be asked for at once")
        further: dict[str, dict[str, UploadGrant]] = {}
        for place, files in enumerate(asked.further):
            further.setdefault(files.item_id, {}).update(self._further(files, f"/further/{place}"))
        return GrantsReply(
            uploads={key: self._refreshed(key, f"/refresh/{place}") for place, key in enumerate(asked.refresh)},
            inputs={text: self._input(text) for text in asked.inputs if text in self._inputs},
            further=further,
        )

    def _refreshed(self, key: str, pointer: str) -> UploadGrant:
        prefix, _, filename = key.rpartition("/")
        attempt_prefix, _, item_n = prefix.rpartition("/")
        item = self._by_n.get(item_n) if attempt_prefix == self._grants.prefix else None
        if key == manifest_key(self._grants.prefix):
            return self._grants.manifest()
        if item is not None and key == result_key(self._grants.prefix, item.n):
            return self._grants.result(item.n)
        slot = None if item is None else self._files_of(item).get(filename)
        if item is None or slot is None:
            raise _refused(pointer, "this attempt has no such file")
        return self._grants.output(item.n, slot)

    def _further(self, files: FurtherFiles, pointer: str) -> dict[str, UploadGrant]:
        item = self._by_id.get(files.item_id)
        if item is None:
            raise _refused(f"{pointer}/item_id", "this attempt has no such item")
        params = self._operation.params.model_validate(item.params)
        slot = next((slot for slot in self._operation.slots(params) if slot.name == files.slot and slot.many), None)
        if slot is None:
            raise _refused(f"{pointer}/slot", "the number of this slot's files is known beforehand, or there is none")
        if files.first + files.count > slot.many:
            raise _refused(f"{pointer}/count", f"this slot has {slot.many} files at most")
        each = [slot.numbered(n) for n in range(files.first, files.first + files.count)]
        return {one.name: self._grants.output(item.n, one) for one in each}

    def _files_of(self, item: OrderedItem) -> dict[str, Slot]:
        if item.n not in self._files:
            slots = self._operation.slots(self._operation.params.model_validate(item.params))
            self._files[item.n] = {slot.filename: slot for slot in slots_by_name(slots).values()}
        return self._files[item.n]

    def _input(self, text: str) -> InputGrant:
        return self._grants.own_input(self._inputs[text], self._operation.limits.max_input_bytes)


def _refused(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(errors=[FieldError(pointer, detail)])

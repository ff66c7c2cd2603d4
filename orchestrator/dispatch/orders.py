"""Writing the work order: resolved parameters, and a capability for every file that goes in or comes out."""

from pydantic import BaseModel, ValidationError

from orchestrator.services import Services
from orchestrator.storage.keys import attempt_prefix, manifest_key, output_key, result_key
from orchestrator.store.attempts import OpenedAttempt, OrderedItem
from shared.errors import OperationUnsupported
from shared.operation import AnyOperation
from shared.wire.media_input import media_inputs
from shared.wire.work_order import InputGrant, ItemOrder, UploadGrant, WorkLimits, WorkOrder

_JSON = "application/json"
_RESULT_BYTES = 1 << 20
_MANIFEST_BYTES = 64 << 20
_GRANTS_OUTLIVE_MS = 300_000


def write_order(services: Services, attempt: OpenedAttempt) -> tuple[WorkOrder, list[OrderedItem]]:
    """Return the order, and the items left out of it because an upload or output that they need is gone.

    Raises OperationUnsupported if this release no longer has the job's operation, or not with such parameters.
    """
    operation = services.catalogue.get(attempt.operation)
    if operation is None:
        raise OperationUnsupported
    try:
        return _Writer(services, attempt, operation).write()
    except ValidationError as unfit:
        raise OperationUnsupported("This release's operation no longer takes the job's parameters.") from unfit


class _Writer:
    def __init__(self, services: Services, attempt: OpenedAttempt, operation: AnyOperation) -> None:
        self._services = services
        self._attempt = attempt
        self._operation = operation
        self._prefix = attempt_prefix(attempt.tenant, attempt.job_id, attempt.task_n, attempt.n)
        self._expires_ms = attempt.terms.deadline_ms + _GRANTS_OUTLIVE_MS

    def write(self) -> tuple[WorkOrder, list[OrderedItem]]:
        inputs: dict[str, InputGrant] = {}
        orders: list[ItemOrder] = []
        left_out: list[OrderedItem] = []
        for item in self._attempt.items:
            params = self._operation.params.model_validate(item.params)
            granted = self._input_grants(params)
            if granted is None:
                left_out.append(item)
                continue
            inputs |= granted
            orders.append(self._item_order(item, params))
        attempt = self._attempt
        order = WorkOrder(
            job_id=attempt.job_id,
            task_id=attempt.task_id,
            attempt=attempt.n,
            operation=attempt.operation,
            operation_version=attempt.operation_version,
            token=self._services.signer.seal("work", f"{attempt.task_id}/{attempt.n}"),
            deadline_ms=attempt.terms.deadline_ms,
            items=orders,
            inputs=inputs,
            manifest=self._grant(manifest_key(self._prefix), _JSON, _MANIFEST_BYTES),
            limits=WorkLimits(execution_timeout_s=attempt.terms.execution_timeout_ms / 1000),
            allow_private=list(self._services.settings.private_sources),
            source_hosts=attempt.source_hosts,
        )
        return order, left_out

    def _item_order(self, item: OrderedItem, params: BaseModel) -> ItemOrder:
        marker = result_key(self._prefix, item.n)
        return ItemOrder(
            id=item.id,
            params=item.params,
            outputs={
                slot.name: self._grant(
                    output_key(self._prefix, item.n, slot.filename), slot.content_type, slot.max_bytes
                )
                for slot in self._operation.slots(params)
            },
            result=self._grant(marker, _JSON, _RESULT_BYTES),
            committed_url=self._services.storage.read_url(marker, self._expires_ms),
        )

    def _input_grants(self, params: BaseModel) -> dict[str, InputGrant] | None:
        grants: dict[str, InputGrant] = {}
        for _, media in media_inputs(params):
            max_bytes = self._operation.limits.max_input_bytes
            if media.is_url:
                grants[media] = InputGrant(url=media, origin="user", max_bytes=max_bytes)
            elif key := self._attempt.own_inputs.get(media):
                url = self._services.storage.read_url(key, self._expires_ms)
                grants[media] = InputGrant(url=url, origin="own", max_bytes=max_bytes)
            else:
                return None
        return grants

    def _grant(self, key: str, content_type: str, max_bytes: int) -> UploadGrant:
        return self._services.storage.grant_upload(key, content_type, max_bytes, self._expires_ms)

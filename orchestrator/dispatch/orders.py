"""Writing the work order: resolved parameters, and a capability for every file that goes in or comes out."""

from pydantic import BaseModel, ValidationError

from orchestrator.dispatch.grants import AttemptGrants
from orchestrator.services import Services
from orchestrator.store.attempts import OpenedAttempt, OrderedItem
from shared.errors import OperationUnsupported
from shared.operation import AnyOperation
from shared.wire.media_input import media_inputs
from shared.wire.work_order import InputGrant, ItemOrder, WorkLimits, WorkOrder

GRANTS_PATH = "/worker/grants"


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
        self._grants = AttemptGrants.of(
            services, attempt.tenant, attempt.job_id, attempt.task_n, attempt.n, attempt.terms.deadline_ms
        )

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
            grants_url=f"{self._services.settings.public_url.rstrip('/')}{GRANTS_PATH}",
            manifest=self._grants.manifest(),
            limits=WorkLimits(execution_timeout_s=attempt.terms.execution_timeout_ms / 1000),
            allow_private=list(self._services.settings.private_sources),
            source_hosts=attempt.source_hosts,
        )
        return order, left_out

    def _item_order(self, item: OrderedItem, params: BaseModel) -> ItemOrder:
        return ItemOrder(
            id=item.id,
            params=item.params,
            outputs={
                slot.name: self._grants.output(item.n, slot) for slot in self._operation.slots(params) if not slot.many
            },
            result=self._grants.result(item.n),
            committed_url=self._grants.committed_url(item.n),
        )

    def _input_grants(self, params: BaseModel) -> dict[str, InputGrant] | None:
        grants: dict[str, InputGrant] = {}
        for _, media in media_inputs(params):
            max_bytes = self._operation.limits.max_input_bytes
            if media.is_url:
                grants[media] = InputGrant(url=media, origin="user", max_bytes=max_bytes)
            elif key := self._attempt.own_inputs.get(media):
                grants[media] = self._grants.own_input(key, max_bytes, self._attempt.pinned.get(media))
            else:
                return None
        return grants

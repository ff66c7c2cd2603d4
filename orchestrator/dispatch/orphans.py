"""The endpoint's id of a task: kept by the attempt that waits for it; a run that none waits for is stopped."""

import structlog
from sqlalchemy.engine import Connection

from orchestrator.services import Services
from orchestrator.store.attempts import mark_submitted, provider_id_of

log = structlog.get_logger()


async def keep_or_cancel(services: Services, task_id: str, n: int, provider_id: str) -> None:
    """Store the endpoint's id of attempt `n`; cancel the run if the attempt was given up or has another id by now.

    EndpointUnavailable where the endpoint can't be asked to: the run may go on until its execution time is over.
    """

    def keep(connection: Connection) -> bool:
        kept = mark_submitted(connection, task_id, n, provider_id)
        return kept or provider_id_of(connection, task_id, n) == provider_id

    if not await services.store.write(keep):
        log.warning("task.orphan_cancelled", provider_id=provider_id)
        await services.endpoint.cancel(provider_id)

"""Finding the jobs whose outputs' time is over, and ordering their removal."""

import structlog

from orchestrator.services import Services
from orchestrator.store.keeping.purges import order_expired

AT_ONCE = 200
"""Jobs in one transaction at most: the writer is everybody's."""

log = structlog.get_logger()


async def tick(services: Services, now_ms: int) -> None:
    """Order what is due, in batches; pinned jobs and those on legal hold are left alone."""
    ordered = found = await services.store.write(lambda c: order_expired(c, now_ms, AT_ONCE))
    while found == AT_ONCE:
        found = await services.store.write(lambda c: order_expired(c, now_ms, AT_ONCE))
        ordered += found
    if ordered:
        log.info("outputs.expired", jobs=ordered)
        services.purge_waiting.set()

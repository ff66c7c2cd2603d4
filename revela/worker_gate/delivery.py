"""Delivery: a result is offered to the pool until it is taken. The SDK would drop it at the first closed connection."""

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_before_delay, wait_random_exponential

from revela.worker_gate.pool_link import PoolAnswer, PoolAway, PoolLink

_GIVE_UP_S = 530.0
_TRY_S = 60.0
"""With the last try this is less than the 600 s that the SDK grants to a post (runpod 1.12, http_client)."""
_MAX_WAIT_S = 10.0
log = structlog.get_logger()


async def deliver(link: PoolLink, path_and_query: str, body: bytes) -> int:
    """Return the status for the SDK: the pool's own, or 200 if it stayed away for so long that we give up.

    A status of 500 and more would make the SDK begin anew; the outputs are stored anyway, and their manifest tells.
    """
    trying = AsyncRetrying(
        retry=retry_if_exception_type(PoolAway),
        wait=wait_random_exponential(multiplier=0.5, max=_MAX_WAIT_S),
        stop=stop_before_delay(_GIVE_UP_S),
        reraise=True,
    )
    provider_id = path_and_query.partition("?")[0].rpartition("/")[2]
    try:
        answer: PoolAnswer = await trying(link.exchange, "POST", path_and_query, timeout_s=_TRY_S, body=body)
    except PoolAway as away:
        log.error("result.dropped", provider_id=provider_id, reason=str(away), after_s=_GIVE_UP_S)
        return 200
    if answer.status >= 300:
        log.error("result.refused", provider_id=provider_id, status=answer.status)
    return answer.status

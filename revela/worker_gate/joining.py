"""Joining: the first question to a pool, whether it is one and takes this worker."""

import aiohttp
from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential

from revela.failures import UsageFault
from revela.worker_gate.address import POOL_PATH
from revela.worker_gate.pool_link import PoolAway, PoolLink

REFUSED_STATUSES = frozenset({401, 403})
_ANSWER_S = 15.0
"""The pool holds a refusal for 4 s."""
_MIN_WAIT_S, _MAX_WAIT_S = 1.0, 30.0


async def wait_for_pool(link: PoolLink) -> None:
    """Return once the pool has taken a ping of this worker, however long it is away; UsageFault if it never will."""
    waiting = AsyncRetrying(
        retry=retry_if_exception_type(PoolAway), wait=wait_exponential(min=_MIN_WAIT_S, max=_MAX_WAIT_S), reraise=True
    )
    await waiting(_ask, link)


def refusal(worker_id: str) -> UsageFault:
    """Return what a person is told whose token is not (or no longer) good."""
    return UsageFault(f"the pool refused this token; make one with: revela keys worker {worker_id}")


async def _ask(link: PoolLink) -> None:
    try:
        answer = await link.exchange("GET", f"/ping/{link.worker_id}", timeout_s=_ANSWER_S)
    except PoolAway as away:
        if isinstance(away.__cause__, (aiohttp.ClientSSLError, aiohttp.InvalidURL)):
            raise UsageFault(f"{link.pool_url}: {away.__cause__}") from away
        raise
    if answer.status in REFUSED_STATUSES:
        raise refusal(link.worker_id)
    if answer.status >= 500:
        raise link.lost(f"it answers {answer.status}")
    if answer.status >= 300 or answer.body:  # a pool says nothing to a ping; a web site would
        raise UsageFault(
            f"{link.pool_url} is no pool (it answered {answer.status} to a ping); "
            f"the address is the server's own, with its path: http://HOST:PORT{POOL_PATH}"
        )

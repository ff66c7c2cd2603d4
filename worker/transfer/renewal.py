"""Asking the orchestrator, by the attempt's token, for grants that have ended and for files that nobody could count."""

import asyncio
from collections.abc import Iterable, Sequence

import aiohttp
import structlog
from pydantic import ValidationError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from shared.errors import UploadFailed
from shared.wire.work_order import (
    MAX_GRANTS,
    FurtherFiles,
    GrantsReply,
    GrantsRequest,
    InputGrant,
    UploadGrant,
    WorkOrder,
)

ATTEMPTS = 6
_TRY = aiohttp.ClientTimeout(total=30)
log = structlog.get_logger()


class GrantsUnavailable(UploadFailed):
    """The orchestrator can't be reached for fresh grants."""


class GrantsRefused(UploadFailed):
    """The orchestrator grants nothing more to this attempt."""


class Renewals:
    """The grants of one order as they are by now; nothing is asked until one of them was refused.

    Then all of the order are asked for at once: what has ended for one file has ended for the others.
    """

    def __init__(self, session: aiohttp.ClientSession, order: WorkOrder) -> None:
        self._session = session
        self._order = order
        self._uploads: dict[str, UploadGrant] = {}
        self._inputs: dict[str, InputGrant] = {}
        self._one_at_a_time = asyncio.Lock()

    def current(self, grant: UploadGrant) -> UploadGrant:
        """Return the newest grant for the same file."""
        return self._uploads.get(grant.key, grant)

    async def upload(self, ended: UploadGrant) -> UploadGrant:
        """Return a grant for a file whose own was refused; UploadFailed if there is none."""
        async with self._one_at_a_time:
            if self.current(ended).url == ended.url:
                await self._renew_all(ended.key)
            return self.current(ended)

    async def input(self, text: str, ended: InputGrant) -> InputGrant | None:
        """Return a grant for one of our own files that was refused, None if it is gone; UploadFailed."""
        async with self._one_at_a_time:
            if self._inputs.get(text, ended).url == ended.url:
                await self._renew_all()
            return self._inputs.get(text)

    async def further(self, item_id: str, slot: str, count: int) -> dict[str, UploadGrant]:
        """Return grants for the first `count` files of a slot, by their numbered names; UploadFailed.

        None where the order names no place to ask.
        """
        if self._order.grants_url is None:
            return {}
        granted: dict[str, UploadGrant] = {}
        for first in range(0, count, MAX_GRANTS):
            files = FurtherFiles(item_id=item_id, slot=slot, first=first, count=min(MAX_GRANTS, count - first))
            granted |= (await self._ask(further=[files])).further.get(item_id, {})
        return granted

    async def _renew_all(self, *first: str) -> None:
        keys = list(dict.fromkeys([*first, *_keys(self._order)]))
        texts = [text for text, grant in self._order.inputs.items() if grant.origin == "own"]
        log.info("grants.ended", uploads=len(keys), inputs=len(texts))
        for refresh, inputs in _in_batches(keys, texts):
            reply = await self._ask(refresh=refresh, inputs=inputs)
            self._uploads |= reply.uploads
            self._inputs |= reply.inputs

    async def _ask(
        self, refresh: Sequence[str] = (), inputs: Sequence[str] = (), further: Sequence[FurtherFiles] = ()
    ) -> GrantsReply:
        if self._order.grants_url is None:
            raise GrantsRefused("The work order names no place to ask for grants.")
        asked = GrantsRequest(
            task_id=self._order.task_id,
            attempt=self._order.attempt,
            refresh=list(refresh),
            inputs=list(inputs),
            further=list(further),
        )
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(GrantsUnavailable),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(multiplier=0.25, max=10, jitter=0.25),
            reraise=True,
        )
        return await retrying(self._ask_once, self._order.grants_url, asked)

    async def _ask_once(self, url: str, asked: GrantsRequest) -> GrantsReply:
        headers = {"Authorization": f"Bearer {self._order.token}", "Content-Type": "application/json"}
        try:
            async with self._session.post(
                url, data=asked.model_dump_json(), headers=headers, allow_redirects=False, timeout=_TRY
            ) as response:
                if response.status == 429 or response.status >= 500:
                    raise GrantsUnavailable(f"The orchestrator answered with status {response.status}.")
                if response.status != 200:
                    raise GrantsRefused(f"The orchestrator refused further grants with status {response.status}.")
                return GrantsReply.model_validate_json(await response.read())
        except (aiohttp.ClientError, TimeoutError, ValidationError) as error:
            raise GrantsUnavailable from error


def _keys(order: WorkOrder) -> Iterable[str]:
    """Yield what is still to be stored last first: the manifest, then of each item its result and its files."""
    yield order.manifest.key
    for item in order.items:
        yield item.result.key
        yield from (grant.key for grant in item.outputs.values())


def _in_batches(keys: Sequence[str], texts: Sequence[str]) -> Iterable[tuple[list[str], list[str]]]:
    for start in range(0, max(len(keys), len(texts)), MAX_GRANTS):
        yield list(keys[start : start + MAX_GRANTS]), list(texts[start : start + MAX_GRANTS])

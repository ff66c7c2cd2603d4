"""RunPod's client API (`/run`, `/status`, `/cancel`, `/health`), as RunPod and our own pool speak it."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import aiohttp
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from orchestrator.dispatch.port import EndpointHealth, EndpointStatus, EndpointTask, Policy
from shared.errors import EndpointForgot, EndpointRefused, EndpointReplyLost, EndpointUnavailable

_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
_ASK_TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=5)
"""For what is asked again anyway: one answer that never comes holds up the looks at all other tasks."""
_TRIES = 4
_BAD_REQUEST = (400, 413, 422)
"""The fault lies in this request. All other refusals (a revoked key, a deleted endpoint) may be mended meanwhile."""
_MAX_ANSWER_BYTES = 24 << 20
"""RunPod's answers carry up to 20 MB of output; anything larger is not ours."""


class RunPodEndpoint:
    """An endpoint behind RunPod's API. Reads are repeated on 429 and 5xx; a submit only on a sure refusal."""

    def __init__(self, base_url: str, api_key: str, *, first_wait_s: float = 0.5) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._first_wait_s = first_wait_s
        self._session: aiohttp.ClientSession | None = None

    async def run(self, task_input: dict[str, Any], webhook: str, policy: Policy) -> str:
        """Submit; return the endpoint's id. EndpointReplyLost if it may or may not have been taken."""
        body = {
            "input": task_input,
            "webhook": webhook,
            "policy": {"executionTimeout": policy.execution_timeout_ms, "ttl": policy.ttl_ms},
        }
        async for attempt in self._retrying():
            with attempt:
                answer = await self._submit(body)
        provider_id = answer.get("id") if isinstance(answer, dict) else None
        if isinstance(provider_id, str):
            return provider_id
        raise EndpointReplyLost("The endpoint accepted the task, but its answer names no id.")

    async def status(self, provider_id: str) -> EndpointTask:
        """Return where the task is; EndpointForgot on 404."""
        answer = await self._ask("GET", f"/status/{quote(provider_id, safe='')}")
        try:
            return _read_task(provider_id, answer)
        except (KeyError, ValueError, TypeError, AttributeError) as odd:
            raise EndpointUnavailable("The endpoint's answer to a status read makes no sense.") from odd

    async def cancel(self, provider_id: str) -> None:
        """Ask for the task's end."""
        try:
            await self._ask("POST", f"/cancel/{quote(provider_id, safe='')}")
        except (EndpointForgot, EndpointRefused):
            return

    async def health(self) -> EndpointHealth:
        """Return the endpoint's workers and queue."""
        answer = await self._ask("GET", "/health")
        try:
            return EndpointHealth(workers=dict(answer["workers"]), jobs=dict(answer["jobs"]))
        except (KeyError, ValueError, TypeError) as odd:
            raise EndpointUnavailable("The endpoint's health makes no sense.") from odd

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _retrying(self) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception_type(EndpointUnavailable),
            stop=stop_after_attempt(_TRIES),
            wait=wait_exponential_jitter(multiplier=self._first_wait_s, max=8, jitter=self._first_wait_s),
            reraise=True,
        )

    async def _ask(self, method: str, path: str) -> Any:
        """Send an idempotent request, again on a failure that may pass."""
        async for attempt in self._retrying():
            with attempt:
                try:
                    status, answer = await self._send(method, path, None)
                except (aiohttp.ClientError, TimeoutError, ValueError) as failed:
                    raise EndpointUnavailable from failed
                if status == 404:
                    raise EndpointForgot
                _raise_for(status)
        return answer

    async def _submit(self, body: dict[str, Any]) -> Any:
        try:
            status, answer = await self._send("POST", "/run", body)
        except aiohttp.ClientConnectorError as refused:
            raise EndpointUnavailable from refused
        except (aiohttp.ClientError, TimeoutError, ValueError) as lost:
            raise EndpointReplyLost from lost
        if status >= 500 and status != 503:  # it broke down, or a gateway lost it: the task may have been taken by then
            raise EndpointReplyLost
        _raise_for(status)
        return answer

    async def _send(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False, headers=self._headers)
        async with self._session.request(
            method,
            self._base_url + path,
            json=body,
            allow_redirects=False,
            read_bufsize=1 << 18,
            timeout=_ASK_TIMEOUT if body is None else _TIMEOUT,
        ) as response:
            if response.status != 200:
                return response.status, None
            raw = await response.content.read(_MAX_ANSWER_BYTES + 1)
            while raw and len(raw) <= _MAX_ANSWER_BYTES and not response.content.at_eof():
                raw += await response.content.read(_MAX_ANSWER_BYTES + 1 - len(raw))
            if len(raw) > _MAX_ANSWER_BYTES:
                raise ValueError("the endpoint's answer is too large")
            return 200, await asyncio.to_thread(_read_json, raw) if len(raw) > 1 << 16 else _read_json(raw)


def _read_json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError("the endpoint's answer is nested too deeply") from None


def _raise_for(status: int) -> None:
    if status == 200:
        return
    if status in _BAD_REQUEST:
        raise EndpointRefused(f"The endpoint answered {status}.")
    raise EndpointUnavailable(f"The endpoint answered {status}.")


def _read_task(provider_id: str, answer: dict[str, Any]) -> EndpointTask:
    word = answer["status"]
    return EndpointTask(
        id=provider_id,
        status=EndpointStatus.IN_PROGRESS if word == "RUNNING" else EndpointStatus(word),
        output=answer.get("output"),
        error=None if answer.get("error") is None else str(answer["error"]),
        worker=None if answer.get("workerId") is None else str(answer["workerId"]),
        delay_ms=int(answer.get("delayTime") or 0),
        execution_ms=int(answer.get("executionTime") or 0),
    )

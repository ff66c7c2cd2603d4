"""How the server is: alive, ready, and a summary for people and monitors."""

import asyncio
import functools
from collections.abc import Awaitable
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Literal, TypeVar

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.api.door.described import Described, OpenAnswerer, Reply
from orchestrator.caller import Caller
from orchestrator.keys import READ_JOBS
from orchestrator.services import Services
from orchestrator.store.reading import check_readable, open_jobs_by_status
from shared.errors import (
    AdapterError,
    EndpointRefused,
    EndpointUnavailable,
    RevelaError,
    StorageFull,
    StorageUnavailable,
    StoreUnavailable,
)
from shared.wire.model import WireModel

SUMMARY_KEPT_S = 2.0
"""How old a summary may be: anyone may ask for it, so asking must cost nothing."""

_TIMEOUT_S = 5.0
_NO_STORE = {"cache-control": "no-store"}

T = TypeVar("T")

_Counts = dict[str, int]
_WORKERS = {"idle": 1, "initializing": 0, "ready": 1, "running": 2, "throttled": 0, "unhealthy": 0}


class Health(WireModel):
    """The server is well."""

    status: Literal["ok"]


class EndpointCounts(WireModel):
    """The endpoint's workers and tasks, as it counts them."""

    workers: _Counts = Field(description="By state", examples=[_WORKERS])
    jobs: _Counts = Field(
        description="By state; the endpoint calls our tasks jobs",
        examples=[{"completed": 41, "failed": 0, "inProgress": 2, "inQueue": 5, "retried": 0}],
    )


class HealthSummary(WireModel):
    """How the server and what it leans on are."""

    status: Literal["ok", "degraded"] = Field(description="degraded: some part is not ok")
    version: str = Field(description="Of Revela", examples=["0.1.0"])
    database: str = Field(description="ok, or the code of its error", examples=["ok"])
    storage: str = Field(description="ok, or the code of its error", examples=["ok"])
    storage_checks: dict[str, bool] = Field(
        description="What the storage holds senders to, and whether it keeps versions; empty while that is not known",
        examples=[
            {"content_type": True, "length": True, "if_none_match": True, "sha256": False, "keeps_versions": False}
        ],
    )
    endpoint: str = Field(description="ok, or the code of its error", examples=["ok"])
    jobs: _Counts = Field(description="Jobs that wait and run, by status", examples=[{"IN_QUEUE": 3, "IN_PROGRESS": 1}])
    workers: _Counts = Field(description="The endpoint's, by state", examples=[_WORKERS])


async def check_liveness(services: Services, request: Request) -> Response:  # noqa: ARG001
    """``GET /livez``: the event loop turns."""
    return JSONResponse({"status": "ok"}, headers=_NO_STORE)


async def check_readiness(services: Services, request: Request) -> Response:  # noqa: ARG001
    """``GET /readyz``: 200 if jobs can be taken, that is the database read and the storage written; else a 503."""
    await services.store.read(check_readable)
    await _check_storage(services)
    return JSONResponse({"status": "ok"}, headers=_NO_STORE)


async def get_endpoint_health(services: Services, request: Request, caller: Caller) -> Response:  # noqa: ARG001
    """``GET /runpod/health``: the endpoint's workers and queue, as it counts them."""
    return JSONResponse(asdict(await services.endpoint.health()), headers=_NO_STORE)


class Summary:
    """What ``GET /health`` answers, looked up once for all who ask within two seconds."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._told: dict[str, Any] = {}
        self._told_s = float("-inf")

    async def get_health(self, services: Services, request: Request) -> Response:  # noqa: ARG002
        """``GET /health``: always 200; `status` is `ok` or `degraded`, and each part says `ok` or its error's code."""
        loop = asyncio.get_running_loop()
        async with self._lock:
            if loop.time() - self._told_s > SUMMARY_KEPT_S:
                self._told = await _look(services)
                self._told_s = loop.time()
        return JSONResponse(self._told, headers=_NO_STORE)


async def _look(services: Services) -> dict[str, Any]:
    (database, jobs), (storage, _), (_, honours), (endpoint, seen) = await asyncio.gather(
        _part(services.store.read(open_jobs_by_status)),
        _part(_check_storage(services)),
        _part(services.storage.honours()),
        _part(services.endpoint.health()),
    )
    return {
        "status": "ok" if database == storage == endpoint == "ok" else "degraded",
        "version": _version(),
        "database": database,
        "storage": storage,
        "storage_checks": {} if honours is None else asdict(honours),
        "endpoint": endpoint,
        "jobs": jobs or {},
        "workers": seen.workers if seen else {},
    }


async def _check_storage(services: Services) -> None:
    services.disk_guard.refuse_if_full()
    await services.storage.check()


async def _part(look: Awaitable[T]) -> tuple[str, T | None]:
    """Return `ok` and what was found, or an error's code and None."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return "ok", await look
    except AdapterError as failed:
        return failed.code, None
    except TimeoutError:
        return "timed-out", None


@functools.cache
def _version() -> str:
    return version("revela")


def health_routes() -> tuple[Described, ...]:
    """Return the routes; those of one server share one summary."""
    return (
        _open("/livez", "Is the process alive?", check_liveness),
        _open(
            "/readyz",
            "Can jobs be taken?",
            check_readiness,
            refusals=(StoreUnavailable, StorageUnavailable, StorageFull),
        ),
        _open("/health", "How the server and its endpoint are", Summary().get_health, HealthSummary),
        Described(
            "GET",
            "/runpod/health",
            "The endpoint's workers and queue",
            keyed=get_endpoint_health,
            scope=READ_JOBS,
            replies=(Reply("Counts by state", EndpointCounts),),
            refusals=(EndpointUnavailable, EndpointRefused),
            group="Server",
        ),
    )


def _open(
    path: str,
    summary: str,
    answer: OpenAnswerer,
    model: type[WireModel] = Health,
    refusals: tuple[type[RevelaError], ...] = (),
) -> Described:
    replies = (Reply("The state", model),)
    return Described("GET", path, summary, open=answer, replies=replies, refusals=refusals, group="Server")

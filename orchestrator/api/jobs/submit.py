"""Handing a job in."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.answers import json_bytes, json_response
from orchestrator.api.door.bodies import take_json
from orchestrator.api.door.described import Described, Header, Reply
from orchestrator.api.door.query import read_query
from orchestrator.api.jobs.plan import plan_response
from orchestrator.api.jobs.read import ENDED, ETAG, FRESH, MAX_WAIT_S, RETRY_AFTER, job_response, wait_for_end
from orchestrator.caller import Caller
from orchestrator.jobs.accept import AcceptedJob, accept_job
from orchestrator.jobs.idempotency import IdempotencyClaim, parse_key
from orchestrator.keys import WRITE_JOBS
from orchestrator.services import Services
from orchestrator.store.submit import StoredJob, find_claimed, store_once
from orchestrator.views import fresh_job_view
from shared.errors import StorageFull
from shared.refusals import (
    IdempotencyInProgress,
    IdempotencyKeyInvalid,
    IdempotencyReused,
    QueueFull,
    UnknownOperation,
)
from shared.wire.job import JobRequest, JobView
from shared.wire.model import ClientModel
from shared.wire.plan import JobPlan

log = structlog.get_logger()

_PREFER_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*(\d{1,6})\s*(?:,|;|$)", re.IGNORECASE)
_PREFER_ASYNC = re.compile(r"(?:^|,)\s*respond-async\s*(?:,|;|$)", re.IGNORECASE)


class SubmitQuery(ClientModel):
    """Parameters of a submit."""

    dry_run: bool = Field(default=False, description="Check and plan the job only; nothing is stored or spent")


@dataclass(frozen=True, slots=True)
class _Preference:
    """What is done of a request's Prefer header (RFC 7240)."""

    wait_s: float = 0
    applied: str | None = None

    @classmethod
    def of(cls, request: Request) -> "_Preference":
        asked = ",".join(request.headers.getlist("prefer"))
        if wanted := _PREFER_WAIT.search(asked):
            wait_s = min(float(wanted[1]), MAX_WAIT_S)
            return cls(wait_s, f"wait={round(wait_s)}")
        return cls(applied="respond-async") if _PREFER_ASYNC.search(asked) else cls()


async def submit_job(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /v1/jobs``: 202 once the job is on disk; 200 if it ended within the N of ``Prefer: wait=N``."""
    if read_query(request, SubmitQuery).dry_run:
        accepted = await take_json(request, services.settings.max_body_bytes, _acceptor(services, caller))
        return await plan_response(services, accepted)
    preference = _Preference.of(request)
    stored = await submit(services, request, caller)
    if stored.fresh is not None and not preference.wait_s:
        response = _fresh_response(stored.fresh)
    else:
        status = await wait_for_end(services, request, caller, stored.id, preference.wait_s)
        code = HTTPStatus.OK if status.terminal and preference.wait_s else HTTPStatus.ACCEPTED
        response = await job_response(services, caller, stored.id, code)
    with_location(response, stored)
    if preference.applied:
        response.headers["preference-applied"] = preference.applied
    return response


async def submit(
    services: Services, request: Request, caller: Caller, translate: Callable[[Any], Any] = lambda body: body
) -> StoredJob:
    """Store the job that `translate` makes of a request's body, or find the one that its Idempotency-Key stands for.

    What a key stands for is asked before anything else: a job that was taken is answered with, even if it would be
    refused today.
    """
    key, accept = parse_key(request.headers.get("idempotency-key")), _acceptor(services, caller)
    most = services.settings.max_body_bytes
    if key is None:
        return await _store(services, await take_json(request, most, lambda body: accept(translate(body))), None)

    def claim_in(body: Any) -> tuple[Any, IdempotencyClaim]:
        return body, IdempotencyClaim.of(key, request.url.path, body)

    body, claim = await take_json(request, most, claim_in)
    with _in_flight(services, caller, key):
        known = await services.store.read(lambda connection: find_claimed(connection, caller.tenant, claim))
        if known is not None:
            return known
        return await _store(services, await asyncio.to_thread(lambda: accept(translate(body))), claim)


async def _store(services: Services, job: AcceptedJob, claim: IdempotencyClaim | None) -> StoredJob:
    services.disk_guard.refuse_if_full()
    stored = await services.store.write(lambda connection: store_once(connection, job, claim))
    structlog.contextvars.bind_contextvars(job_id=stored.id)
    log.info("job.stored", operation=job.operation, items=len(job.items), tasks=len(job.tasks))
    services.work_waiting.set()
    return stored


def with_location(response: Response, stored: StoredJob) -> Response:
    """Return the answer that shows a job, with where it is found, and whether an earlier request had made it."""
    response.headers["location"] = f"/v1/jobs/{stored.id}"
    if stored.replayed:
        response.headers["idempotent-replayed"] = "true"
    return response


def _fresh_response(job: AcceptedJob) -> Response:
    """Return the answer that shows a job which nobody can have changed yet, as far as the client could know."""
    return json_response(json_bytes(fresh_job_view(job)), HTTPStatus.ACCEPTED, {"etag": '"1"', "retry-after": "1"})


def _acceptor(services: Services, caller: Caller) -> Callable[[Any], AcceptedJob]:
    return lambda body: accept_job(
        body, catalogue=services.catalogue, caller=caller, settings=services.settings, clock=services.clock
    )


@contextmanager
def _in_flight(services: Services, caller: Caller, key: str) -> Iterator[None]:
    """Refuse a second request with the same key while the first one is being stored."""
    claimed = (caller.tenant, key)
    if claimed in services.submits_in_flight:
        raise IdempotencyInProgress
    services.submits_in_flight.add(claimed)
    try:
        yield
    finally:
        services.submits_in_flight.discard(claimed)


LOCATION = Header("Location", "The job's address", "/v1/jobs/job_01K9ZV6Q0S8M7D3X5B2C4F6G8H")
REPLAYED = Header("Idempotent-Replayed", "true where an earlier request had made this job", "true")
_KEY = Header(
    "Idempotency-Key",
    "Makes the submit safe to repeat: the same key and body give the same job for as long as it is kept",
    "8e03978e-40d5-43e8-bc93-6894a57f9324",
    pattern="^[!#-~]([ -~]{0,253}[!-~])?$",
)
_PREFER = Header(
    "Prefer", "wait=N holds the answer for up to N seconds (25 at most), respond-async does not", "wait=10"
)
_APPLIED = Header("Preference-Applied", "What was done of the request's Prefer", "wait=10")
_ANSWERED = (LOCATION, REPLAYED, ETAG, _APPLIED)

ROUTES = (
    Described(
        "POST",
        "/v1/jobs",
        "Submit a job",
        keyed=submit_job,
        scope=WRITE_JOBS,
        query=SubmitQuery,
        headers=(_KEY, _PREFER),
        body=JobRequest,
        replies=(
            Reply(
                "The job is stored and will run",
                JobView,
                HTTPStatus.ACCEPTED,
                headers=(*_ANSWERED, RETRY_AFTER),
                example=FRESH,
            ),
            Reply("The job has ended within the preferred wait", JobView, headers=_ANSWERED, example=ENDED),
            Reply("The plan of a dry run", JobPlan),
        ),
        refusals=(
            UnknownOperation,
            IdempotencyKeyInvalid,
            IdempotencyReused,
            IdempotencyInProgress,
            QueueFull,
            StorageFull,
        ),
    ),
)

"""Keeping a job: pins, which hold its outputs beyond their time, and legal holds, which let nothing be deleted."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.bodies import take_json
from orchestrator.api.door.described import Described, Reply
from orchestrator.api.door.query import job_id_in
from orchestrator.api.jobs.read import ENDED, ETAG, job_response
from orchestrator.caller import Caller
from orchestrator.jobs.accept import field_errors
from orchestrator.keys import ADMIN, WRITE_JOBS
from orchestrator.services import Services
from orchestrator.store.keeping import pins
from orchestrator.store.keeping.holds import release_hold, set_hold
from shared.refusals import DeletionUnderWay, HoldExists, InvalidRequest, OutputsDeleted
from shared.wire.job import JobView
from shared.wire.keeping.hold import HoldRequest

log = structlog.get_logger()


async def pin_job(services: Services, request: Request, caller: Caller) -> Response:
    """``PUT /v1/jobs/{id}/pin``: its outputs stay until it is unpinned."""
    job_id, now_ms = job_id_in(request), services.clock.now_ms()
    author = caller.key_id
    return await _kept(
        services, caller, job_id, lambda c: pins.pin_job(c, caller.tenant, job_id, author, now_ms), "pinned"
    )


async def unpin_job(services: Services, request: Request, caller: Caller) -> Response:
    """``DELETE /v1/jobs/{id}/pin``: its outputs go when their time is over."""
    job_id, now_ms = job_id_in(request), services.clock.now_ms()
    author = caller.key_id
    return await _kept(
        services, caller, job_id, lambda c: pins.unpin_job(c, caller.tenant, job_id, author, now_ms), "unpinned"
    )


async def hold_job(services: Services, request: Request, caller: Caller) -> Response:
    """``PUT /v1/jobs/{id}/legal-hold``: nothing of the job may be deleted, by nobody.

    Asked again with the same reason, it is the same hold.
    """
    reason = (await take_json(request, services.settings.max_body_bytes, _hold_request)).reason
    job_id, now_ms, author = job_id_in(request), services.clock.now_ms(), caller.key_id
    return await _kept(
        services, caller, job_id, lambda c: set_hold(c, caller.tenant, job_id, reason, author, now_ms), "held"
    )


async def release_job(services: Services, request: Request, caller: Caller) -> Response:
    """``DELETE /v1/jobs/{id}/legal-hold``: what is past its time may go again."""
    job_id, now_ms = job_id_in(request), services.clock.now_ms()
    author = caller.key_id
    return await _kept(
        services, caller, job_id, lambda c: release_hold(c, caller.tenant, job_id, author, now_ms), "released"
    )


async def _kept(
    services: Services, caller: Caller, job_id: str, change: Callable[[Connection], None], done: str
) -> Response:
    await services.store.write(change)
    log.info("job.kept", change=done, job_id=job_id)
    services.changes.announce(job_id)
    return await job_response(services, caller, job_id, HTTPStatus.OK)


def _hold_request(body: Any) -> HoldRequest:
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    try:
        return HoldRequest.model_validate(body)
    except ValidationError as invalid:
        raise InvalidRequest(errors=field_errors(invalid, HoldRequest)) from None


_HOLD_EXAMPLE = {"reason": "Case 4711", "author": "k7m2x9qwer45", "since": "2026-05-04T12:45:00Z"}
_GROUP = "Keeping and deleting"

ROUTES = (
    Described(
        "PUT",
        "/v1/jobs/{job_id}/pin",
        "Keep a job's outputs beyond their time",
        keyed=pin_job,
        scope=WRITE_JOBS,
        replies=(Reply("The job", JobView, headers=(ETAG,), example={**ENDED, "pinned": True, "expires_at": None}),),
        refusals=(OutputsDeleted,),
        group=_GROUP,
    ),
    Described(
        "DELETE",
        "/v1/jobs/{job_id}/pin",
        "Let a job's outputs go when their time is over",
        keyed=unpin_job,
        scope=WRITE_JOBS,
        replies=(Reply("The job", JobView, headers=(ETAG,), example=ENDED),),
        group=_GROUP,
    ),
    Described(
        "PUT",
        "/v1/jobs/{job_id}/legal-hold",
        "Forbid that anything of a job is deleted",
        keyed=hold_job,
        scope=WRITE_JOBS,
        body=HoldRequest,
        body_example={"reason": "Case 4711"},
        replies=(Reply("The job", JobView, headers=(ETAG,), example={**ENDED, "legal_hold": _HOLD_EXAMPLE}),),
        refusals=(HoldExists, DeletionUnderWay),
        group=_GROUP,
    ),
    Described(
        "DELETE",
        "/v1/jobs/{job_id}/legal-hold",
        "Release a job from its legal hold",
        keyed=release_job,
        scope=ADMIN,
        replies=(Reply("The job", JobView, headers=(ETAG,), example=ENDED),),
        group=_GROUP,
    ),
)

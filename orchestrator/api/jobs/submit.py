"""Handing a job in."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.bodies import take_json
from orchestrator.api.door.described import Described, Header, Reply
from orchestrator.api.jobs.read import ETAG, MAX_WAIT_S, RETRY_AFTER, job_response, wait_for_end
from orchestrator.caller import Caller
from orchestrator.jobs.accept import AcceptedJob, accept_job
from orchestrator.keys import WRITE_JOBS
from orchestrator.services import Services
from orchestrator.store.submit import insert_job
from shared.refusals import UnknownOperation
from shared.wire.job import JobRequest, JobView
from shared.wire.status import Status

_PREFER_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*(\d{1,6})\s*(?:,|;|$)", re.IGNORECASE)


async def create_job(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /v1/jobs``: 202 once the job is on disk; 200 if it ended within the N of ``Prefer: wait=N``."""
    wait_s = _preferred_wait_s(request)
    job_id = await submit(services, request, caller)
    applied = {} if wait_s is None else {"preference-applied": f"wait={round(wait_s)}"}
    status = await wait_for_end(services, request, caller, job_id, wait_s) if wait_s else Status.IN_QUEUE
    response = await job_response(services, caller, job_id, HTTPStatus.OK if status.terminal else HTTPStatus.ACCEPTED)
    response.headers.update({"location": f"/v1/jobs/{job_id}", **applied})
    return response


async def submit(
    services: Services, request: Request, caller: Caller, translate: Callable[[Any], Any] = lambda body: body
) -> str:
    """Accept and store the job that `translate` makes of a request's body; return its id."""

    def accept(body: Any) -> AcceptedJob:
        return accept_job(
            translate(body),
            catalogue=services.catalogue,
            caller=caller,
            settings=services.settings,
            clock=services.clock,
        )

    accepted = await take_json(request, services.settings.max_body_bytes, accept)
    await services.store.write(lambda connection: insert_job(connection, accepted))
    services.work_waiting.set()
    return str(accepted.id)


def _preferred_wait_s(request: Request) -> float | None:
    """Return the seconds of ``Prefer: wait=N`` (RFC 7240), at most 25; None without one."""
    wanted = _PREFER_WAIT.search(request.headers.get("prefer", ""))
    return min(float(wanted[1]), MAX_WAIT_S) if wanted else None


LOCATION = Header("Location", "The job's address", "/v1/jobs/job_01K9ZV6Q0S8M7D3X5B2C4F6G8H")
_PREFER = Header(
    "Prefer", "wait=N holds the answer for up to N seconds (25 at most), respond-async does not", "wait=10"
)
_APPLIED = Header("Preference-Applied", "What was done of the request's Prefer", "wait=10")
_ANSWERED = (LOCATION, ETAG, _APPLIED)

ROUTES = (
    Described(
        "POST",
        "/v1/jobs",
        "Submit a job",
        keyed=create_job,
        scope=WRITE_JOBS,
        headers=(_PREFER,),
        body=JobRequest,
        replies=(
            Reply("The job is stored and will run", JobView, HTTPStatus.ACCEPTED, headers=(*_ANSWERED, RETRY_AFTER)),
            Reply("The job has ended within the preferred wait", JobView, headers=_ANSWERED),
        ),
        refusals=(UnknownOperation,),
    ),
)

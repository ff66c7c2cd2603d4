"""Acting on a job: cancel it, try its failed items again, delete it."""

import asyncio
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.described import Described, Reply
from orchestrator.api.door.query import job_id_in
from orchestrator.api.jobs.read import ENDED, ETAG, FRESH, RETRY_AFTER, job_response
from orchestrator.api.jobs.submit import LOCATION, REPLAYED, with_location
from orchestrator.caller import Caller
from orchestrator.jobs.accept import accept_job
from orchestrator.keys import WRITE_JOBS
from orchestrator.services import Services
from orchestrator.store.acting import delete
from orchestrator.store.acting.cancel import accept_cancel
from orchestrator.store.acting.retry import find_retry, request_again, store_retry
from orchestrator.store.submit import StoredJob
from shared.errors import StorageFull
from shared.refusals import (
    InvalidRequest,
    JobNotEnded,
    LegalHold,
    NothingToRetry,
    OutputsInUse,
    QueueFull,
    UnknownOperation,
)
from shared.wire.job import JobView

log = structlog.get_logger()


async def cancel_job(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /v1/jobs/{id}/cancel``: 200 once the job has ended, 202 while a worker is being stopped."""
    job_id, now_ms = job_id_in(request), services.clock.now_ms()
    flying = await services.store.write(lambda c: accept_cancel(c, services.announce, caller.tenant, job_id, now_ms))
    log.info("job.cancel_accepted", job_id=job_id, attempts_to_stop=len(flying))
    for attempt in flying:
        services.hints.add(*attempt)
    services.changes.announce(job_id)
    return await job_response(services, caller, job_id, HTTPStatus.ACCEPTED if flying else HTTPStatus.OK)


async def retry_job(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /v1/jobs/{id}/retry``: a new job of the items that did not complete; asked again, the same one."""
    job_id = job_id_in(request)
    body, known = await services.store.read(
        lambda c: (request_again(c, caller.tenant, job_id), find_retry(c, caller.tenant, job_id))
    )
    if known is not None:
        stored = StoredJob(known, None)
    else:
        again = await asyncio.to_thread(
            accept_job,
            body,
            catalogue=services.catalogue,
            caller=caller,
            settings=services.settings,
            clock=services.clock,
        )
        services.disk_guard.refuse_if_full()
        stored = await services.store.write(lambda c: store_retry(c, again, job_id))
        log.info("job.retried", job_id=stored.id, retry_of=job_id)
        services.work_waiting.set()
    return with_location(await job_response(services, caller, stored.id, HTTPStatus.ACCEPTED), stored)


async def delete_job(services: Services, request: Request, caller: Caller) -> Response:
    """``DELETE /v1/jobs/{id}``: 204; the record is gone at once, the outputs very soon."""
    job_id, now_ms = job_id_in(request), services.clock.now_ms()
    await services.store.write(lambda c: delete.delete_job(c, caller.tenant, job_id, caller.key_id, now_ms))
    log.info("job.deleted", job_id=job_id)
    services.purge_waiting.set()
    services.changes.announce(job_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


ROUTES = (
    Described(
        "POST",
        "/v1/jobs/{job_id}/cancel",
        "Cancel a job",
        keyed=cancel_job,
        scope=WRITE_JOBS,
        replies=(
            Reply(
                "The job has ended; what was finished before stays",
                JobView,
                headers=(ETAG,),
                example={**ENDED, "status": "CANCELLED"},
            ),
            Reply("Accepted; a worker is being stopped", JobView, HTTPStatus.ACCEPTED, headers=(ETAG, RETRY_AFTER)),
        ),
    ),
    Described(
        "POST",
        "/v1/jobs/{job_id}/retry",
        "Retry the items that did not complete",
        keyed=retry_job,
        scope=WRITE_JOBS,
        replies=(
            Reply(
                "A new job with those items alone",
                JobView,
                HTTPStatus.ACCEPTED,
                headers=(LOCATION, REPLAYED, ETAG, RETRY_AFTER),
                example={**FRESH, "retry_of": "job_01K9ZT3M5N7P9R1S3T5V7W9XAB"},
            ),
        ),
        refusals=(JobNotEnded, NothingToRetry, UnknownOperation, InvalidRequest, QueueFull, StorageFull),
    ),
    Described(
        "DELETE",
        "/v1/jobs/{job_id}",
        "Delete a job and its outputs",
        keyed=delete_job,
        scope=WRITE_JOBS,
        replies=(Reply("Gone", status=HTTPStatus.NO_CONTENT, media_type=None),),
        refusals=(JobNotEnded, LegalHold, OutputsInUse),
    ),
)

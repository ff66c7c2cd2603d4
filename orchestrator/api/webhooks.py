"""Webhooks: how their delivery goes, sending an event once more, and the secret that signs them."""

import re
from http import HTTPStatus

import structlog
from pydantic import BaseModel, Field
from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.answers import json_response
from orchestrator.api.door.described import Described, Reply
from orchestrator.api.door.query import job_id_in, read_query
from orchestrator.caller import Caller
from orchestrator.keys import ADMIN, READ_JOBS, WRITE_JOBS
from orchestrator.services import Services
from orchestrator.webhooks import log as delivery_log
from orchestrator.webhooks.secrets import OVERLAP_S, rotate_secret, secret_state
from shared.clock import to_datetime
from shared.refusals import NotFound
from shared.wire.model import ClientModel
from shared.wire.webhook import Delivery, DeliveryList, RotatedSecret, WebhookOverview

_EVENT_ID = re.compile(r"evt_[0-9A-HJKMNP-TV-Z]{26}")

log = structlog.get_logger()


class RotateQuery(ClientModel):
    """Parameters of a rotation."""

    previous_valid_s: int = Field(
        default=OVERLAP_S,
        ge=0,
        le=7 * 86_400,
        description="How long the present secret signs beside the new one; 0 where it has leaked",
    )


async def list_job_deliveries(services: Services, request: Request, caller: Caller) -> Response:
    """``GET /v1/jobs/{id}/deliveries``: a job's events and every try of sending them."""
    job_id = job_id_in(request)
    found = await services.store.read(lambda c: delivery_log.deliveries_of(c, caller.tenant, job_id))
    return _json(DeliveryList(deliveries=found))


async def redeliver_event(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /v1/deliveries/{id}/redeliver``: 202; the event is sent at once, whatever became of it before."""
    event_id: str = request.path_params["delivery_id"]
    if not _EVENT_ID.fullmatch(event_id):
        raise NotFound
    now_ms = services.clock.now_ms()
    again = await services.store.write(lambda c: delivery_log.redeliver(c, caller.tenant, event_id, now_ms))
    services.webhook_written.event.set()
    log.info("webhook.redelivery_asked", event_id=event_id, job_id=again.job_id)
    return _json(again, HTTPStatus.ACCEPTED)


async def get_webhook_overview(services: Services, request: Request, caller: Caller) -> Response:  # noqa: ARG001
    """``GET /v1/webhooks``: the secret's age, and the addresses that are disabled or fail."""

    def read(connection: Connection) -> WebhookOverview:
        secret = secret_state(connection, caller.tenant)
        until_ms = secret.previous_until_ms
        overlaps = until_ms is not None and services.clock.now_ms() < until_ms
        return WebhookOverview(
            secret_since=None if secret.since_ms is None else to_datetime(secret.since_ms),
            previous_valid_until=to_datetime(until_ms) if overlaps and until_ms is not None else None,
            disabled=delivery_log.disabled_addresses(connection, caller.tenant),
            failing=delivery_log.failing_addresses(connection, caller.tenant),
        )

    return _json(await services.store.read(read))


async def rotate_webhook_secret(services: Services, request: Request, caller: Caller) -> Response:
    """``POST /v1/webhooks/rotate``: a new secret; the present one signs beside it for a while."""
    overlap_s, now_ms = read_query(request, RotateQuery).previous_valid_s, services.clock.now_ms()
    secret = await services.store.write(lambda c: rotate_secret(c, caller.tenant, now_ms, overlap_s, caller.key_id))
    log.info("webhook_secret.rotated", previous_valid_s=overlap_s)
    told = RotatedSecret(
        secret=secret.current(services.signer), previous_valid_until=to_datetime(now_ms + overlap_s * 1000)
    )
    return _json(told)


def _json(told: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return json_response(told.model_dump_json().encode(), status)


ROUTES = (
    Described(
        "GET",
        "/v1/jobs/{job_id}/deliveries",
        "List a job's webhook deliveries",
        keyed=list_job_deliveries,
        scope=READ_JOBS,
        replies=(Reply("The job's events and their tries", DeliveryList),),
        group="Webhooks",
    ),
    Described(
        "POST",
        "/v1/deliveries/{delivery_id}/redeliver",
        "Send an event once more",
        keyed=redeliver_event,
        scope=WRITE_JOBS,
        replies=(Reply("It is sent at once, as often as a fresh event", Delivery, HTTPStatus.ACCEPTED),),
        group="Webhooks",
    ),
    Described(
        "GET",
        "/v1/webhooks",
        "How webhooks stand",
        keyed=get_webhook_overview,
        scope=READ_JOBS,
        replies=(Reply("The secret's age, and addresses in trouble", WebhookOverview),),
        group="Webhooks",
    ),
    Described(
        "POST",
        "/v1/webhooks/rotate",
        "Change the secret that signs webhooks",
        keyed=rotate_webhook_secret,
        scope=ADMIN,
        query=RotateQuery,
        replies=(Reply("The new secret, shown this once", RotatedSecret),),
        group="Webhooks",
    ),
)

"""The worker's door: fresh and further grants for whoever shows the token of a running attempt."""

from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.answers import json_bytes, json_response
from orchestrator.api.door.auth import key_text
from orchestrator.api.door.bodies import take_json
from orchestrator.api.door.described import Described, Reply
from orchestrator.dispatch.orders import GRANTS_PATH
from orchestrator.dispatch.renew import renew
from orchestrator.jobs.accept import field_errors
from orchestrator.services import Services
from shared.refusals import AttemptEnded, InvalidRequest, LinkInvalid
from shared.wire.work_order import GrantsReply, GrantsRequest

_MAX_BYTES = 256 << 10
"""So much are as many keys, inputs and files as may be asked for at once."""


async def renew_grants(services: Services, request: Request) -> Response:
    """``POST /worker/grants``: 403 without the attempt's token, 409 once the attempt has ended."""
    token = services.signer.open("work", key_text(request.headers))
    asked = await take_json(request, _MAX_BYTES, _read)
    if token != f"{asked.task_id}/{asked.attempt}":
        raise LinkInvalid
    return json_response(json_bytes(await renew(services, asked)))


def _read(body: Any) -> GrantsRequest:
    try:
        return GrantsRequest.model_validate(body)
    except ValidationError as invalid:
        raise InvalidRequest(errors=field_errors(invalid)) from None


ROUTES = (
    Described(
        "POST",
        GRANTS_PATH,
        "Ask for fresh or further grants",
        open=renew_grants,
        replies=(Reply("The grants", GrantsReply),),
        refusals=(LinkInvalid, AttemptEnded, InvalidRequest),
        listed=False,
    ),
)

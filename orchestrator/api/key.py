"""The key that a request comes with, told to its holder."""

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.answers import json_response
from orchestrator.api.door.described import Described, Reply
from orchestrator.caller import Caller
from orchestrator.quotas import parse_quotas
from orchestrator.services import Services
from orchestrator.store.keys import find_key
from orchestrator.store.tenants import open_items
from shared.clock import to_datetime
from shared.refusals import Unauthenticated
from shared.wire.access.key import KeyLimits, KeyView, RequestLimit


async def get_key(services: Services, _request: Request, caller: Caller) -> Response:
    """``GET /v1/key``: who asks, what the key may do, and how much of its limits is used."""
    settings = services.settings
    requests = [
        RequestLimit(name=quota.name, requests=quota.amount, window_s=quota.window_s)
        for quota in parse_quotas(settings.rate_limit)
    ]
    limits = KeyLimits(
        requests=requests,
        open_items=settings.max_queued_items,
        upload_bytes=settings.max_upload_bytes,
        source_hosts=None if caller.source_hosts is None else list(caller.source_hosts),
    )

    def read(connection: Connection) -> KeyView:
        key = find_key(connection, caller.key_id)
        if key is None:
            raise Unauthenticated
        return KeyView(
            id=key.id,
            name=key.name,
            tenant=key.tenant,
            scopes=sorted(key.scopes),
            created_at=to_datetime(key.created_ms),
            expires_at=None if key.expires_ms is None else to_datetime(key.expires_ms),
            limits=limits,
            open_items=open_items(connection, key.tenant),
        )

    view = await services.store.read(read)
    return json_response(view.model_dump_json().encode())


ROUTES = (
    Described(
        "GET",
        "/v1/key",
        "Ask who you are",
        keyed=get_key,
        replies=(Reply("The key's tenant, scopes and limits", KeyView),),
        group="Keys",
    ),
)

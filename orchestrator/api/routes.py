"""Every route of the API, in one list."""

from collections import defaultdict
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator.api import audit, grants, hooks, key, operations, outputs, webhooks
from orchestrator.api.compat import photos, videos
from orchestrator.api.description.served import description_routes
from orchestrator.api.door.auth import Answerer, Doorkeeper
from orchestrator.api.door.described import Described
from orchestrator.api.health import health_routes
from orchestrator.api.jobs import act, events, keep, listing, read, submit
from orchestrator.api.metrics import metrics_routes
from orchestrator.api.uploads import act as upload_acts
from orchestrator.api.uploads import begin
from orchestrator.api.uploads import read as upload_reads
from orchestrator.quotas import parse_quotas
from orchestrator.services import Services


def described_routes() -> tuple[Described, ...]:
    """Return what there is, in the order of the API's description."""
    return (
        *submit.ROUTES,
        *listing.ROUTES,
        *read.ROUTES,
        *act.ROUTES,
        *keep.ROUTES,
        *events.ROUTES,
        *begin.ROUTES,
        *upload_reads.ROUTES,
        *upload_acts.ROUTES,
        *webhooks.ROUTES,
        *operations.ROUTES,
        *key.ROUTES,
        *audit.ROUTES,
        *outputs.ROUTES,
        *hooks.ROUTES,
        *grants.ROUTES,
        *photos.ROUTES,
        *videos.ROUTES,
        *health_routes(),
        *metrics_routes(),
        *description_routes(described_routes),
    )


def routes(services: Services) -> list[Route]:
    """Return the API's routes; `RequestLog` and `exception_handlers` belong around them."""
    settings = services.settings
    quotas, failed = parse_quotas(settings.rate_limit), parse_quotas(settings.failed_key_limit)
    door = Doorkeeper(services.store, services.clock, quotas, failed)
    by_path: dict[str, dict[str, Answerer]] = defaultdict(dict)
    for described in described_routes():
        by_path[described.path][described.method] = _answerer(services, door, described)
    return [_route(path, by_method) for path, by_method in by_path.items()]


def _answerer(services: Services, door: Doorkeeper, described: Described) -> Answerer:
    if described.keyed is not None:
        keyed = door.with_key(services, described.scope, described.keyed)
        return keyed if described.linked is None else _with_token_or_key(partial(described.linked, services), keyed)
    if described.open is None:
        raise TypeError(f"{described.method} {described.path} is declared without an answer")
    return partial(described.open, services)


def _with_token_or_key(linked: Answerer, keyed: Answerer) -> Answerer:
    async def answerer(request: Request) -> Response:
        return await (linked if "token" in request.query_params else keyed)(request)

    return answerer


def _route(path: str, by_method: dict[str, Answerer]) -> Route:
    """Return one route for all methods of an address, so that a 405 names every method there is."""

    async def endpoint(request: Request) -> Response:
        return await by_method["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, endpoint, methods=list(by_method))

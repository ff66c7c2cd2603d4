"""Every route of the API, in one list."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator.api.auth import Answerer, Doorkeeper, KeyedAnswerer
from orchestrator.api.compat import img2vid
from orchestrator.api.health import Summary, livez, readyz, runpod_health
from orchestrator.api.hooks import endpoint_hook
from orchestrator.api.jobs import create_job, list_jobs, read_items, read_job
from orchestrator.api.operations import list_operations
from orchestrator.api.outputs import get_output, put_output
from orchestrator.keys import READ_JOBS, WRITE_JOBS
from orchestrator.services import Services


def routes(services: Services) -> list[Route]:
    """Return the API's routes; `RequestLog` and `exception_handlers` belong around them."""
    door = Doorkeeper(services.store, services.clock)

    def reading(answer: KeyedAnswerer) -> Answerer:
        return door.with_key(services, READ_JOBS, answer)

    def writing(answer: KeyedAnswerer) -> Answerer:
        return door.with_key(services, WRITE_JOBS, answer)

    return [
        _route("/v1/jobs", GET=reading(list_jobs), POST=writing(create_job)),
        _route("/v1/jobs/{job_id}", GET=reading(read_job)),
        _route("/v1/jobs/{job_id}/items", GET=reading(read_items)),
        _route("/v1/operations", GET=partial(list_operations, services)),
        _route("/output/{token}/{name}", GET=partial(get_output, services), PUT=partial(put_output, services)),
        _route("/hooks/endpoint/{token}", POST=partial(endpoint_hook, services)),
        _route("/video/img2vid", POST=writing(img2vid)),
        _route("/livez", GET=livez),
        _route("/readyz", GET=partial(readyz, services)),
        _route("/health", GET=Summary(services).answer),
        _route("/runpod/health", GET=reading(runpod_health)),
    ]


def _route(path: str, **by_method: Answerer) -> Route:
    """Return one route for all methods of an address, so that a 405 names every method there is."""

    async def endpoint(request: Request) -> Response:
        return await by_method["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, endpoint, methods=list(by_method))

"""``GET /metrics``: what Prometheus reads."""

import asyncio
import contextlib
from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.door.described import Described, Reply
from orchestrator.caller import Caller
from orchestrator.keys import ADMIN
from orchestrator.metrics.census import Census, take_census
from orchestrator.services import Services
from shared.errors import AdapterError

KEPT_S = 2.0
"""How old what is told may be: several scrapers, or an impatient one, cost no more than one."""


class Scrape:
    """Answers scrapes of one server; who asks while another is answered shares its look."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._census: Census | None = None
        self._taken_s = float("-inf")

    async def get_metrics(self, services: Services, request: Request, caller: Caller) -> Response:  # noqa: ARG002
        """``GET /metrics``: in Prometheus' text format, or OpenMetrics where that is asked for."""
        loop = asyncio.get_running_loop()
        async with self._lock:
            if self._census is None or loop.time() - self._taken_s > KEPT_S:
                self._census = await self._look(services)
                self._taken_s = loop.time()
            census = self._census
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        body = await asyncio.to_thread(encode, _Told(services.metrics.registry, census))
        return Response(body, headers={"content-type": media_type, "cache-control": "no-store"})

    async def _look(self, services: Services) -> Census:
        with contextlib.suppress(AdapterError):  # what is missed is counted later; the census says what is away
            await services.tally.tick(services.store, services.metrics, services.settings.currency)
        return await take_census(
            services.store,
            services.endpoint,
            services.clock.now_ms(),
            len(services.streams),
            version("revela"),
            services.disk_guard,
        )


class _Told(CollectorRegistry):
    """The registry's instruments and a census, without the instruments' times of creation, which nobody uses."""

    def __init__(self, registry: CollectorRegistry, census: Census) -> None:
        super().__init__()
        self._registry = registry
        self._census = census

    def collect(self) -> Iterator[Metric]:
        """Yield every family that there is."""
        for family in self._registry.collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family
        yield from self._census.families()


def metrics_routes() -> tuple[Described, ...]:
    """Return the route; the scrapes of one server share what was looked up."""
    return (
        Described(
            "GET",
            "/metrics",
            "What Prometheus reads",
            keyed=Scrape().get_metrics,
            scope=ADMIN,
            replies=(Reply("All metrics", media_type="text/plain"),),
            group="Server",
        ),
    )

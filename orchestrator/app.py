"""The orchestrator as an ASGI app: routes, and the loops that run beside them."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware

from orchestrator.api.door.access import RequestLog
from orchestrator.api.door.problems import exception_handlers
from orchestrator.api.routes import routes
from orchestrator.dispatch.window import Window
from orchestrator.loops.runner import run_loop
from orchestrator.metrics.loop_lag import watch_event_loop
from orchestrator.metrics.requests import RequestMetrics
from orchestrator.pool.pool import Pool
from orchestrator.relay.follow import Follower
from orchestrator.retention import drafts, expire, purge
from orchestrator.retention import uploads as ended_uploads
from orchestrator.services import Services, close_services, open_pool, open_services
from orchestrator.settings import Settings
from orchestrator.store.attempts import mark_interrupted_unknown
from orchestrator.store.tenants import recount_open_items
from orchestrator.webhooks.deliver import delivering
from shared.clock import Clock, SystemClock
from shared.errors import AdapterError

_DISPATCH_EVERY_S = 1.0
_FOLLOW_EVERY_S = 0.5
_DELIVER_EVERY_S = 1.0
_PURGE_EVERY_S = 60.0
_EXPIRE_EVERY_S = 60.0
_TALLY_EVERY_S = 5.0
_UPLOADS_EVERY_S = 60.0
_DRAFTS_EVERY_S = 600.0

log = structlog.get_logger()


def create_app(settings: Settings, clock: Clock | None = None) -> Starlette:
    """Return the app; its lifespan runs the loops and closes everything at the end."""
    services = open_services(settings, clock or SystemClock())
    pool = open_pool(services) if settings.uses_pool else None

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        _spare_the_collector()
        async with _loops(services, pool):
            yield
        if pool is not None:
            await pool.close()
        await close_services(services)

    app = Starlette(
        routes=[*routes(services), *(pool.routes() if pool is not None else ())],
        middleware=[Middleware(RequestMetrics, services.metrics), Middleware(RequestLog)],
        exception_handlers=exception_handlers(),
        lifespan=lifespan,
    )
    app.state.pool = pool
    app.state.streams = services.streams
    app.router.redirect_slashes = False  # an address that is not there is a 404 problem
    return app


@asynccontextmanager
async def _loops(services: Services, pool: Pool | None) -> AsyncIterator[None]:
    interrupted = await services.store.write(mark_interrupted_unknown)
    if interrupted:
        log.warning("start.submits_unknown", count=interrupted)
    await services.store.write(recount_open_items)
    window, follower, clock = Window(), Follower(), services.clock
    tally = partial(services.tally.tick, services.store, services.metrics, services.settings.currency)
    loops = [
        run_loop("dispatch", lambda: window.tick(services, clock.now_ms()), _DISPATCH_EVERY_S, services.work_waiting),
        run_loop("tally", tally, _TALLY_EVERY_S, asyncio.Event()),
        run_loop("expire", lambda: expire.tick(services, clock.now_ms()), _EXPIRE_EVERY_S, asyncio.Event()),
        run_loop("purge", lambda: purge.tick(services, clock.now_ms()), _PURGE_EVERY_S, services.purge_waiting),
        run_loop(
            "uploads", lambda: ended_uploads.tick(services, clock.now_ms()), _UPLOADS_EVERY_S, services.uploads_ended
        ),
        run_loop("drafts", lambda: drafts.tick(services), _DRAFTS_EVERY_S, asyncio.Event()),
        run_loop("follow", lambda: follower.tick(services, clock.now_ms()), _FOLLOW_EVERY_S, services.hints.arrived),
    ]
    loops.append(_try_storage(services))
    async with delivering(services) as deliverer:
        written = services.webhook_written.listen()
        loops.append(run_loop("webhooks", lambda: deliverer.tick(clock.now_ms()), _DELIVER_EVERY_S, written))
        loops.append(watch_event_loop(services.metrics))
        tasks = [asyncio.create_task(loop) for loop in (*loops, *((pool.run(),) if pool is not None else ()))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(window.submits.close(), follower.looks.close())


async def _try_storage(services: Services) -> None:
    """Find out what the store holds senders to, beside the start: it may be slow, or away for a while."""
    try:
        log.info("storage.probed", **asdict(await services.storage.honours()))
    except AdapterError as failed:
        log.warning("storage.probe_failed", reason=failed.detail)


def _spare_the_collector() -> None:
    """Keep what start-up made out of every later collection: walking it all held the event loop for 200 ms."""
    gc.collect()
    gc.freeze()

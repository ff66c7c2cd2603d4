"""Running the orchestrator in this process: the listening socket, uvicorn, and the line that says it is ready."""

import json
import shlex
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from rich.console import Console
from rich.markup import escape
from starlette.applications import Starlette

from orchestrator.api.door.connection import StrictConnection
from orchestrator.app import create_app
from orchestrator.pool.options import KEEP_ALIVE_S
from orchestrator.pool.pool import Pool
from orchestrator.settings import Settings
from orchestrator.streams import Streams
from revela.called_as import called_as
from revela.failures import UsageFault
from revela.server_settings import server_settings
from shared.logs import configure_logs

_GRACE_S = 10
"""How long open requests may last after the order to stop; the pool's long polls end within 4 s."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen; port 0 means any free one."""

    host: str
    port: int


def serve_forever(listen: Listen, *, data_dir: Path | None, workers: int | None, as_json: bool) -> None:
    """Run until SIGINT or SIGTERM; UsageFault if the address can't be listened on."""
    with _listening(listen) as listener:
        settings = server_settings(listener.getsockname()[:2], data_dir=data_dir, workers=workers)
        configure_logs(settings.log_format)
        app = create_app(settings)
        config = uvicorn.Config(
            app,
            loop="auto",
            http=StrictConnection,
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
            server_header=False,
            access_log=False,
            log_config=None,
        )
        # uvicorn raises the signal once more when it has stopped; being told to stop is no failure.
        signal.signal(signal.SIGTERM, _ignore)
        signal.signal(signal.SIGINT, _ignore)
        server = _AnnouncingServer(config, app, settings, as_json=as_json)
        server.run(sockets=[listener])
    if sys.stdout.isatty() and not as_json:
        print("stopped")


def _listening(listen: Listen) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        return socket.create_server((listen.host, listen.port), family=family, backlog=2048)
    except OSError as failed:
        raise UsageFault(f"can't listen on {listen.host}:{listen.port}: {failed.strerror}") from failed


def _ignore(_signal_number: int, _frame: FrameType | None) -> None:
    return None


class _AnnouncingServer(uvicorn.Server):
    """A server that says when it takes requests, and where."""

    def __init__(self, config: uvicorn.Config, app: Starlette, settings: Settings, *, as_json: bool) -> None:
        super().__init__(config)
        self._pool: Pool | None = app.state.pool
        self._streams: Streams = app.state.streams
        self._settings = settings
        self._as_json = as_json

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the workers while the port still answers them: the SDK asks a closed one again without a pause.

        Streams end before the wait for open requests, of which they would be the longest.
        """
        self._streams.close()
        if self._pool is not None:
            await self._pool.close()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce."""
        await super().startup(sockets)
        if self.started:
            _announce(self._settings, as_json=self._as_json)


def _without_workers(settings: Settings) -> str:
    """Return a warning where jobs would wait for ever: nobody else says that nothing will take them."""
    if settings.local_workers or not settings.uses_pool:
        return ""
    return "no workers are started here, so jobs wait until one joins (revela worker; or --workers 1); "


def _announce(settings: Settings, *, as_json: bool) -> None:
    data_dir = str(settings.data_dir.resolve())
    if as_json:
        print(json.dumps({"url": settings.public_url, "data_dir": data_dir}), flush=True)
        return
    key_command = f"{called_as()} keys create NAME --tenant TENANT --data-dir {shlex.quote(data_dir)}"
    Console(highlight=False, soft_wrap=True).print(
        f"Revela is ready at [bold]{settings.public_url}[/bold], data in {escape(data_dir)}; "
        f"{_without_workers(settings)}make a key with: {escape(key_command)}"
    )

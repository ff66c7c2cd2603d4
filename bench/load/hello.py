"""The least that a server of this kind does: one Starlette route that answers a few bytes."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def _hello(_request: Request) -> JSONResponse:
    return JSONResponse({"hello": "world"})


def main() -> None:
    """Serve on the port that is the first argument, with the orchestrator's own server settings."""
    app = Starlette(routes=[Route("/", _hello)])
    uvicorn.run(app, port=int(sys.argv[1]), loop="auto", http="httptools", ws="none", access_log=False, log_config=None)


if __name__ == "__main__":
    main()

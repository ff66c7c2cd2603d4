"""The tests' own server."""

import asyncio

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.serving import serving, serving_here


async def _hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


async def _forever(_request: Request) -> Response:
    await asyncio.Event().wait()
    return PlainTextResponse("never")


APP = Starlette(routes=[Route("/", _hello), Route("/forever", _forever)])


def test_two_servers_run_beside_each_other_and_are_gone_afterwards() -> None:
    with serving(APP) as first, serving(APP) as second:
        assert first != second
        assert httpx.get(first).text == httpx.get(second).text == "hello"
    try:
        httpx.get(first)
    except httpx.ConnectError:
        return
    raise AssertionError("the server still answers")


async def test_a_server_on_the_test_s_own_loop_answers() -> None:
    async with serving_here(APP, grace_s=1) as address, httpx.AsyncClient() as client:
        assert (await client.get(address)).text == "hello"
        held = asyncio.ensure_future(client.get(f"{address}/forever"))
        await asyncio.sleep(0.1)
    assert await asyncio.gather(held, return_exceptions=True)

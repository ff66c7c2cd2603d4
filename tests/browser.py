"""A real browser, told what to do by its DevTools protocol."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.waiting import until

CHROMIUM = shutil.which("chromium")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--remote-debugging-port=0"),
)


class Page:
    """One page; keeps what it asked for and what it complained of."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.addresses: list[str] = []
        self.complaints: list[str] = []

    async def read(self) -> None:
        """Take what the browser says, until it hangs up."""
        async for message in self._socket:
            self._take(message.json())

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command; return its result."""
        number = next(self._ids)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        return await asyncio.wait_for(self._answers[number], 30)

    async def value(self, expression: str) -> Any:
        """Return what an expression of the page's script comes to."""
        told = await self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def sees(self, expression: str, timeout_s: float = 20) -> None:
        """Wait until an expression is true."""
        look = f"new Promise(seen => {{ const look = () => ({expression}) ? seen(1) : setTimeout(look, 50); look(); }})"
        await asyncio.wait_for(self.value(look), timeout_s)

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers.pop(message["id"]).set_result(message.get("result", message))
            return
        told = message["params"]
        match message["method"]:
            case "Network.requestWillBeSent":
                self.addresses.append(told["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(told["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(told["exceptionDetails"]))


@asynccontextmanager
async def page_open(folder: Path, url: str) -> AsyncIterator[Page]:
    """Open an address in a browser of its own."""
    profile = folder / "profile"
    browser = await asyncio.create_subprocess_exec(
        str(CHROMIUM),
        *(*_FLAGS, f"--user-data-dir={profile}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        door = profile / "DevToolsActivePort"
        await until(lambda: door.exists() and door.read_text().count("\n"), 30)
        port = door.read_text().split()[0]
        async with aiohttp.ClientSession() as http:
            async with http.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
                address = (await answer.json())["webSocketDebuggerUrl"]
            async with http.ws_connect(address, max_msg_size=0) as socket:
                page = Page(socket)
                reading = asyncio.create_task(page.read())
                for domain in ("Network", "Log", "Runtime", "Page"):
                    await page.ask(f"{domain}.enable")
                await page.ask("Page.navigate", url=url)
                yield page
                reading.cancel()
    finally:
        browser.terminate()
        await browser.wait()

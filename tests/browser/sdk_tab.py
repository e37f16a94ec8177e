"""Devices of the TypeScript SDK in tabs of a real browser, told what to do from Python.

The tabs show our own page, signed out, for its address and its policy; the device is opened beside it.
"""

from __future__ import annotations

import json
from typing import Any, Final

from playwright.async_api import CDPSession, Page, WebSocket
from tabs import WAIT_MS, crash

STORE: Final = "a test's own"
"""Not the store of the page itself."""


class SdkTab:
    """One tab. Its code has `device`, once it was opened; sockets are counted from outside."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._sockets: set[WebSocket] = set()
        self._debugger: CDPSession | None = None
        page.on("websocket", self._opened)

    @property
    def sockets(self) -> int:
        """How many are open."""
        return len(self._sockets)

    async def open(self, url: str, token: str) -> None:
        """Open a device here, and wait until it is in step with the server."""
        await self.page.goto(url)
        code = """
            const sdk = await import("/static/sdk/index.js");
            globalThis.device = await sdk.Device.open({ url: location.origin, token, store });
            await device.ready();
        """
        await self.run(code, token=token, store=STORE)

    async def run(self, code: str, **given: object) -> Any:
        """What the body of an async function returns; `given` are constants in it. What throws there, fails here."""
        constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in given.items())
        return await self.page.evaluate(f"async () => {{ {constants}{code} }}")

    async def until(self, condition: str, **given: object) -> None:
        """Wait until a condition on what the device shows holds."""
        await self.run(f"await device.until(() => {condition}, {{ timeoutMs: {WAIT_MS} }});", **given)

    async def crash(self) -> None:
        """Kill it; nobody is asked."""
        await crash(self.page)
        self._sockets.clear()

    async def freeze(self) -> None:
        """As browsers do with tabs that nobody looked at for long: none of its code runs, nothing of it is closed.

        Headless tabs always count as looked at, and are not frozen when told to; the debugger stops any.
        """
        self._debugger = await self.page.context.new_cdp_session(self.page)
        await self._debugger.send("Debugger.enable")
        await self._debugger.send("Debugger.pause")

    async def thaw(self) -> None:
        """Let it run again."""
        assert self._debugger is not None
        await self._debugger.detach()

    async def close(self) -> None:
        """Close the tab; nobody is asked."""
        await self.page.close()
        self._sockets.clear()

    def _opened(self, socket: WebSocket) -> None:
        self._sockets.add(socket)
        socket.on("close", lambda _: self._sockets.discard(socket))


async def owner_of(tabs: list[SdkTab]) -> SdkTab:
    """The tab that says it holds the connection; one of them does, and no other."""
    owners = [tab for tab in tabs if await tab.run("return device.holdsSocket")]
    assert len(owners) == 1, f"{len(owners)} of {len(tabs)} tabs hold the connection"
    return owners[0]

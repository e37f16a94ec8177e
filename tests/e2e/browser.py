"""A real browser, steered over its DevTools protocol: just what tests of our page need."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from syncd.testing.patience import eventually, until

START_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 20.0
UNTIL_TIMEOUT_S = 15.0

# Network errors belong to tests that stop the server; everything else that a page complains about fails its test.
_COMPLAINTS = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
_EXPECTED_SOURCES = ("network",)


def chromium() -> str:
    """The browser's program.

    Raises:
        FileNotFoundError: there is none on this machine.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found is not None:
            return found
    raise FileNotFoundError("no chromium on this machine; the page is tried in one where there is")


class Page:
    """One tab, in a profile of its own: nothing that it stores is shared with another."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self.session = session
        self.complaints: list[str] = []

    async def go(self, url: str) -> None:
        """Load an address."""
        await self._call("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, as JSON; None while it throws, as before the page is there."""
        result = await self._call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return None if "exceptionDetails" in result else result["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until an expression is true."""
        try:
            return await eventually(lambda: self.evaluate(expression), timeout_s=UNTIL_TIMEOUT_S)
        except TimeoutError as error:
            shown = await self.evaluate("document.body.innerText")
            raise AssertionError(
                f"never came true: {expression}\nthe page shows:\n{shown}\n{self.complaints}"
            ) from error

    async def _call(self, method: str, **parameters: object) -> Any:
        return await self._browser.call(method, parameters, session=self.session)


class Browser:
    """A running browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._pages: dict[str, Page] = {}

    async def page(self) -> Page:
        """A new tab in a new profile."""
        context = (await self.call("Target.createBrowserContext", {}))["browserContextId"]
        target = await self.call("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        attached = await self.call("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        page = self._pages[attached["sessionId"]] = Page(self, attached["sessionId"])
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable", {}, session=page.session)
        return page

    async def call(self, method: str, parameters: dict[str, object], *, session: str | None = None) -> Any:
        """One command of the protocol."""
        id_ = len(self._answers)
        answer = self._answers[id_] = asyncio.get_running_loop().create_future()
        message = {"id": id_, "method": method, "params": parameters}
        await self._socket.send(json.dumps(message if session is None else {**message, "sessionId": session}))
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            told = await answer
        assert "error" not in told, f"{method}: {told['error']}"
        return told["result"]

    async def read(self) -> None:
        """Sorts what the browser says, until it ends."""
        async for text in self._socket:
            told = json.loads(text)
            if "id" in told:
                self._answers[told["id"]].set_result(told)
            elif told["method"] in _COMPLAINTS and told.get("sessionId") in self._pages:
                entry = told["params"].get("entry", {})
                if entry.get("source") not in _EXPECTED_SOURCES:
                    self._pages[told["sessionId"]].complaints.append(json.dumps(told["params"])[:2_000])


@asynccontextmanager
async def browsing(profile: Path) -> AsyncIterator[Browser]:
    """Run a browser for as long as the block lasts; its files are in `profile`."""
    program = chromium()
    # Its own sandbox needs a kernel that lets it, and refuses root; what it loads here is our own page.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec(
        program, "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--remote-debugging-port=0", f"--user-data-dir={profile}", *sandbox, "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with connect(await _address(profile), max_size=None) as socket:
            browser = Browser(socket)
            reading = asyncio.create_task(browser.read())
            try:
                yield browser
            finally:
                reading.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), ANSWER_TIMEOUT_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _address(profile: Path) -> str:
    """Where it listens; it writes that down, in two lines, when it does."""
    told = profile / "DevToolsActivePort"

    def address() -> str | None:
        words = told.read_text().split() if told.exists() else []
        return f"ws://127.0.0.1:{words[0]}{words[1]}" if len(words) == 2 else None

    return await until(address, "the browser did not start", timeout_s=START_TIMEOUT_S)

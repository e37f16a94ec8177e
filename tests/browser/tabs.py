"""A real Chromium, driven by Playwright: what tests of our pages share.

    async with browsing() as browser:
        page = await browser.profile()        # a tab of its own profile: nothing that it stores is shared
        await page.goto(url)
        other = await page.context.new_page() # a second tab of the same profile

None of the pages may complain: an exception, an error on the console and a breach of the security policy fail the
test when the block ends. Network errors belong to tests that cut the network, and are not counted.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser as Chromium
from playwright.async_api import ConsoleMessage, Page, async_playwright
from playwright.async_api import Error as PageError

from syncd.testing.patience import eventually

WAIT_MS: Final = 45_000
"""For anything that a page should show; the machine may be busy with other tests."""
DESKTOP: Final = (1280, 800)
PHONE: Final = (390, 844)
"""Width and height in CSS pixels."""
ARTEFACTS: Final = Path(__file__).parents[2] / ".artefacts" / "browser"
"""Where pictures are kept; git ignores it."""
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_EXPECTED: Final = (
    "Failed to load resource", "WebSocket connection to", "net::ERR_",  # of tests that cut the network
    "The Cross-Origin-Opener-Policy header has been ignored",  # plain http: the header is for those who have more
)  # fmt: skip


def program() -> str:
    """The browser: `SYNCD_CHROMIUM`, or the first of the usual names on the path.

    Raises:
        FileNotFoundError: there is none on this machine.
    """
    found = os.environ.get("SYNCD_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise FileNotFoundError("no chromium on this machine; pages are tried in one where there is")
    return found


class Browser:
    """A running browser, and what its pages complained about."""

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium
        self.complaints: list[str] = []

    async def profile(
        self, *, size: tuple[int, int] = DESKTOP, dark: bool = False, script: str = "", **options: Any
    ) -> Page:
        """A tab in a fresh profile.

        Args:
            size: of its window; as narrow as a phone it is one, with touch.
            script: runs in every tab of the profile before the page's own.
            options: more of Playwright's `new_context`.
        """
        phone = size[0] < 600
        context = await self._chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light",
            has_touch=phone, is_mobile=phone, **options,
        )  # fmt: skip
        context.set_default_timeout(WAIT_MS)
        context.on("page", self._listen)
        if script:
            await context.add_init_script(script)
        return await context.new_page()

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"{error.message}\n{error.stack}"))
        page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_EXPECTED):
            self.complaints.append(f"{message.text} ({message.location['url']}:{message.location['lineNumber']})")


@asynccontextmanager
async def browsing(*, sounds_at_once: bool = True, local_name: str = "") -> AsyncIterator[Browser]:
    """Run a browser for as long as the block lasts.

    Args:
        sounds_at_once: whether pages may play before anybody has pressed anything. People's browsers forbid it.
        local_name: a host that is this machine, and that a browser does not know to be: pages of plain http from there
            have neither Web Locks nor other things that are for safe origins only.
    """
    autoplay = "no-user-gesture-required" if sounds_at_once else "user-gesture-required"
    # Its own sandbox needs a kernel that lets it, and refuses root; what it loads here is our own pages.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    names = [f"--host-resolver-rules=MAP {local_name} 127.0.0.1"] if local_name else []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=program(), args=[*sandbox, *names, f"--autoplay-policy={autoplay}"]
        )
        try:
            browser = Browser(chromium)
            yield browser
            assert browser.complaints == [], "\n".join(browser.complaints)
        finally:
            await chromium.close()


async def crash(page: Page) -> None:
    """Kill a tab: its process ends at once, as when the machine runs out of memory."""
    crashed = asyncio.get_running_loop().create_future()
    page.once("crash", lambda _: crashed.set_result(None))
    devtools = await page.context.new_cdp_session(page)
    killing = asyncio.create_task(devtools.send("Page.crash"))  # never answered
    async with asyncio.timeout(WAIT_MS / 1_000):
        await crashed
    killing.cancel()
    await asyncio.gather(killing, return_exceptions=True)


async def until(page: Page, expression: str) -> Any:
    """Wait until a JavaScript expression is true on a tab; its value.

    Playwright's own `wait_for_function` evaluates text inside of the page, which the page's policy forbids. While the
    expression throws, as before the page is there, it is not true.

    Raises:
        AssertionError: it did not come true; the text holds what the page shows.
    """

    async def asked() -> Any:
        try:
            return await page.evaluate(expression)
        except PageError:
            return None

    try:
        return await eventually(asked, timeout_s=WAIT_MS / 1_000)
    except TimeoutError as error:
        shown = await page.inner_text("body")
        raise AssertionError(f"never came true: {expression}\nthe page shows:\n{shown}") from error


async def picture(page: Page, name: str) -> Path:
    """Keep what a tab shows as `.artefacts/browser/<name>.png`, for people to look at."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTEFACTS / f"{name}.png"
    await page.screenshot(path=path, animations="disabled")
    return path

"""What a test of a page needs: a whole service with a database of its own, and a real browser in front of it.

@on_stage
async def test_what_the_kitchen_adds_shows_on_the_laptop(stage: Stage) -> None:
    laptop, kitchen = await stage.account("Laptop", "Kitchen")
    ann = await stage.opened(laptop)         # the player, in a tab of its own profile
    radio = await stage.device(kitchen)      # a device of the Python SDK
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import wraps
from typing import Any, Final

from player_page import PlayerPage
from sdk_tab import SdkTab
from tabs import Browser, browsing

from syncd.accounts import LinkedDevice
from syncd.client import Device
from syncd.config import Config
from syncd.testing.ports import free_ports
from syncd.testing.service import Service, running_service

STORY_S: Final = 240.0
"""For one test: several waits, on a machine that is busy with others."""

Story = Callable[..., Coroutine[Any, Any, None]]


class Stage:
    """See the module's first line.

    Attributes:
        browser: it runs while the story is told.
        service: so does it, but for the times when a story has stopped it.
        url: of the service's pages.
    """

    browser: Browser
    service: Service
    url: str

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        port, ws_port = free_ports(2)
        self._config = Config(database_url=dsn, port=port, ws_port=ws_port)
        self._serving = AsyncExitStack()
        self._devices = AsyncExitStack()

    @asynccontextmanager
    async def lit(self, **of_browser: Any) -> AsyncIterator[None]:
        """Start everything, and end it with the block; `of_browser` as `browsing` takes it."""
        async with self._serving, browsing(**of_browser) as self.browser, self._devices:
            await self.starts()
            yield

    async def starts(self) -> None:
        """The service, where it was before, with what it knew."""
        self.service = await self._serving.enter_async_context(running_service(self._config))
        self.url = self.service.http_url

    async def stops(self) -> None:
        """The service."""
        await self._serving.aclose()

    async def account(self, *devices: str) -> list[LinkedDevice]:
        """Ada's, with devices of these names."""
        return await self.service.account("ada", *devices)

    async def device(self, linked: LinkedDevice) -> Device:
        """A device of the Python SDK, in step with the server; it is closed when the story ends."""
        device = await self._devices.enter_async_context(Device(self.service.ws_url, linked.token))
        await device.ready()
        return device

    async def blank(self, **of_profile: Any) -> PlayerPage:
        """A tab in a fresh profile that shows nothing yet; `of_profile` as `Browser.profile` takes it."""
        return PlayerPage(await self.browser.profile(**of_profile), self.url)

    async def opened(self, linked: LinkedDevice, **of_profile: Any) -> PlayerPage:
        """The player in such a tab, signed in and in step."""
        return await (await self.blank(**of_profile)).opens(linked)

    async def sdk_tabs(self, linked: LinkedDevice, count: int, **of_profile: Any) -> list[SdkTab]:
        """Tabs of one profile with a device of the TypeScript SDK each, all in step."""
        first = await self.browser.profile(**of_profile)
        tabs = [SdkTab(page) for page in [first, *[await first.context.new_page() for _ in range(count - 1)]]]
        for tab in tabs:
            await tab.open(self.url, linked.token)
        return tabs


def on_stage_with(**of_browser: Any) -> Callable[[Story], Callable[..., None]]:
    """As `on_stage`, in a browser of which `browsing` is told these."""

    def decorated(story: Story) -> Callable[..., None]:
        @wraps(story)
        def test(stage: Stage, **fixtures: Any) -> None:
            async def told() -> None:
                async with stage.lit(**of_browser):
                    await story(stage, **fixtures)

            asyncio.run(asyncio.wait_for(told(), STORY_S))

        return test

    return decorated


on_stage = on_stage_with()
"""A test told as a coroutine, with the fixture `stage` lit."""

"""The operators' console in a real browser, on a real service."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from accessible import barriers
from playwright.async_api import Page, expect
from tabs import DESKTOP, PHONE, WAIT_MS, Browser, browsing, picture, until

from syncd.client import Device
from syncd.config import Config
from syncd.model import upcast
from syncd.model.ids import account_stream
from syncd.postgres.connection import connect, hang_up
from syncd.projector import rebuild as rebuilding
from syncd.testing.patience import eventually
from syncd.testing.poison import newer
from syncd.testing.quiet import until_projected
from syncd.testing.service import Service, running_service

expect.set_options(timeout=WAIT_MS)


@dataclass
class Deployed:
    """A service with an account that has lived, and an operator."""

    service: Service
    dsn: str
    account: str
    token: str
    browser: Browser

    @property
    def link(self) -> str:
        return f"{self.service.http_url}/console#token={self.token}"

    async def opened(self, path: str = "", *, size: tuple[int, int] = DESKTOP, dark: bool = False) -> Page:
        """The console, signed in, on one of its views."""
        page = await self.browser.profile(size=size, dark=dark)
        await page.goto(self.link)
        await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        if path:
            await page.evaluate("path => { location.hash = `#/${path}`; }", path)
        return page

    async def on_account(self, **look: object) -> Page:
        page = await self.opened(f"accounts/{self.account}", **look)  # type: ignore[arg-type]
        await expect(page.get_by_role("heading", name="ada", exact=True)).to_be_visible()
        await expect(page.locator(".step").first).to_be_visible()
        return page

    async def projected(self) -> None:
        await until_projected(self.service.deployment.log, self.service.deployment.store)

    async def by_hand(self, statement: str, *values: object) -> None:
        """SQL behind everybody's back."""
        connection = await connect(self.dsn)
        try:
            await connection.execute(statement, *values)
        finally:
            await hang_up(connection)


def on_console(dsn: str, folder: Path, story: Callable[[Deployed], Awaitable[None]]) -> None:
    async def told() -> None:
        config = Config(database_url=dsn, port=0, ws_port=0)
        async with running_service(config) as service, browsing() as browser:
            (phone, laptop) = await service.account("ada", "Kitchen phone", "Laptop")
            operator = await service.deployment.operators.create("ben")
            deployed = Deployed(service, dsn, phone.account, operator.token, browser)
            async with (
                await Device.open(service.ws_url, phone.token, store=folder / "phone.db") as kitchen,
                await Device.open(service.ws_url, laptop.token, store=folder / "laptop.db") as desk,
            ):
                await lives(kitchen, desk)
            await deployed.projected()
            await story(deployed)

    asyncio.run(told())


async def lives(kitchen: Device, desk: Device) -> None:
    """An evening: music from one device to the other, two who change one setting, an episode."""
    for device in (kitchen, desk):
        await device.ready()
    kitchen.queue.add("So What", "Freddie Freeloader", "Blue in Green")
    kitchen.play("All Blues", context=["All Blues", "Flamenco Sketches"])
    await kitchen.settled()
    kitchen.settings.set("crossfade_ms", 4_000)
    kitchen.settings.set("theme", "light")
    kitchen.library.add("tracks", "So What")
    kitchen.library.add("albums", "Kind of Blue")
    await kitchen.settled()
    await desk.until(lambda: desk.settings.get("theme") == "light")
    desk.settings.set("theme", "dark")
    desk.queue.move(desk.queue.items[2].id, to=0)
    mornings = desk.create_playlist("Mornings")
    mornings.add("Naima", "Central Park West")
    desk.progress.listened("episode-41", 1_450_000, duration_ms=3_600_000)
    desk.pause()
    await desk.settled()


@pytest.mark.parametrize("look", [(DESKTOP, False), (DESKTOP, True), (PHONE, False), (PHONE, True)])
def test_look(postgres_dsn: str, tmp_path: Path, look: tuple[tuple[int, int], bool]) -> None:
    pass

"""The player in a tab, as somebody in front of it uses it."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Locator, Page, expect
from tabs import until

from syncd.accounts import LinkedDevice

CONNECTED = "document.documentElement.dataset.connection === 'connected'"
SETTLED = f"{CONNECTED} && document.documentElement.dataset.owed === '0'"
SIGNED_OUT = "document.documentElement.dataset.connection === 'signed out'"
DEVICE = "document.getElementById('root').account.device"
"""The SDK's device behind the page."""


class PlayerPage:
    """See the module's first line.

    Attributes:
        tab: Playwright's page.
        queue, list: the drawer's list, and the list on the page.
    """

    def __init__(self, tab: Page, url: str) -> None:
        self.tab = tab
        self.url = url
        self.queue = tab.locator(".queue .tracks")
        self.list = tab.locator("article .tracks")

    async def another_tab(self) -> PlayerPage:
        """Of the same profile; it shows nothing yet."""
        return PlayerPage(await self.tab.context.new_page(), self.url)

    async def opens(self, device: LinkedDevice) -> PlayerPage:
        """Follow the device's link, until it is in step."""
        await self.tab.goto(f"{self.url}/#token={device.token}")
        await until(self.tab, CONNECTED)
        return self

    async def visits(self, route: str) -> None:
        """Another page of the player, by its address behind the `#`."""
        await self.tab.evaluate("route => { location.hash = route; }", route)

    async def presses(self, name: str, *, within: Locator | None = None) -> None:
        """A button by what it is called."""
        await (within or self.tab).get_by_role("button", name=name, exact=True).first.click()

    async def chooses(self, name: str) -> None:
        """From the menu that is open."""
        await self.tab.get_by_role("menuitem", name=name, exact=True).click()

    async def more(self, track: str, action: str, *, within: Locator | None = None) -> None:
        """Something from the menu of a track."""
        row = (within or self.list).locator("li", has_text=track).first
        await row.hover()
        await row.get_by_role("button", name=f"More about {track}").click()
        await self.chooses(action)

    async def keeps_the_notice(self) -> None:
        """Whoever has the pointer on it may take as long as they like; it goes after some seconds otherwise."""
        await self.tab.get_by_role("button", name="Undo", exact=True).hover()

    async def answers(self, name: str) -> None:
        """A question for a name."""
        field = self.tab.get_by_role("textbox", name="Name")
        await field.fill(name)
        await field.press("Enter")

    async def drags(self, track: str, *, to: int, within: Locator) -> None:
        """A row by the mouse, to an index."""
        rows = within.locator("li")
        row = within.locator("li", has_text=track).first
        start, first = await row.bounding_box(), await rows.first.bounding_box()
        assert start is not None
        assert first is not None
        x, y = start["x"] + start["width"] / 3, start["y"] + start["height"] / 2
        end_y = first["y"] + first["height"] * (to + 0.5)
        await self.tab.mouse.move(x, y)
        await self.tab.mouse.down()
        await self.tab.mouse.move(x, y + (8 if end_y > y else -8))
        await self.tab.mouse.move(x, end_y, steps=6)
        await self.tab.mouse.up()

    async def sees(self, titles: list[str], *, within: Locator) -> None:
        """A list holds these tracks, in this order."""
        await expect(within.locator(".row-title")).to_have_text(titles)

    async def sees_playing(self, title: str, *, where: str | None = None) -> None:
        """What the bar shows. `where`: another device, or None for this one."""
        await expect(self.tab.locator(".bar-title")).to_have_text(title)
        if where is None:
            await expect(self.tab.locator(".bar-where")).to_have_count(0)
        else:
            await expect(self.tab.locator(".bar-where")).to_have_text(f"Playing on {where}")

    async def settles(self) -> None:
        """Everything that was done here has its answer."""
        await until(self.tab, SETTLED)

    async def device(self, expression: str) -> Any:
        """Ask the device behind the page: `queue.tracks`."""
        return await self.tab.evaluate(f"{DEVICE}.{expression}")

    async def agrees(self, stream: str = "a:me") -> bool:
        """Whether the cells of the page are the server's, by their digests."""
        return bool(await self.tab.evaluate(f"stream => {DEVICE}.verify(stream).then(({{agrees}}) => agrees)", stream))

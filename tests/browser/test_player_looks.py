"""How the player looks, in light and dark, on a phone and at a desk, and whether everybody can use it."""

from __future__ import annotations

import pytest
from accessible import barriers
from player_page import PlayerPage
from stage import Stage, on_stage
from tabs import DESKTOP, PHONE, picture

from syncd.client import Device

pytestmark = pytest.mark.e2e

BREAKFAST = [
    "harbour-lights.first-ferry", "night-bus.neon-rain", "paper-lanterns.folding", "green-room.understudy",
    "harbour-lights.fog-signal", "night-bus.depot", "paper-lanterns.let-go",
]  # fmt: skip


async def furnish(radio: Device) -> str:
    """Things to look at; the id of a playlist among them."""
    breakfast = radio.create_playlist("Sunday breakfast")
    breakfast.add(*BREAKFAST)
    radio.create_playlist("For the train").add(*BREAKFAST[:3])
    radio.library.add("tracks", *BREAKFAST[:2])
    radio.progress.listened("field-notes.rain-on-a-tin-roof", 400_000, duration_ms=600_000)
    radio.progress.listened("field-notes.rain-on-a-tin-roof", 65_000, duration_ms=600_000)
    radio.progress.listened("field-notes.forest-before-sunrise", 90_000, duration_ms=660_000)
    radio.play(breakfast.items[1], context=breakfast.context)
    radio.queue.add(*BREAKFAST[4:])
    radio.history.played("earlier", BREAKFAST[3], started_ms=1, listened_ms=80_000)
    await radio.settled()
    return breakfast.id


ROUTES = {
    "home": "/", "playlist": "/playlist/{playlist}", "album": "/album/harbour-lights", "show": "/show/field-notes",
    "devices": "/devices", "settings": "/settings", "history": "/history", "queue": "/queue", "library": "/library",
}  # fmt: skip
GLANCES = {"sign-in", "home", "playlist", "now"}


class Critic:
    """Looks at what a page shows: keeps pictures of it, and what axe finds.

    Attributes:
        found: serious barriers, each with the place.
        examines: whether it looks at every page, and asks axe. Light and dark differ by colours, a phone and a desk by
            their layout, so two of the four tell everything; of the others a few pictures are enough.
    """

    def __init__(self, name: str, *, examines: bool) -> None:
        self.name = name
        self.examines = examines
        self.found: list[str] = []

    async def sees(self, ann: PlayerPage, what: str) -> None:
        if self.examines or what in GLANCES:
            await picture(ann.tab, f"player-{what}-{self.name}")
        if self.examines:
            self.found += [f"{self.name} {what}: {barrier}" for barrier in await barriers(ann.tab)]


async def look_around(ann: PlayerPage, critic: Critic, playlist: str) -> None:
    """All pages, and what opens above them."""
    for page, route in ROUTES.items():
        if not (critic.examines or page in GLANCES):
            continue
        await ann.visits(route.format(playlist=playlist))
        await ann.tab.locator("main h1, main h2").first.wait_for()
        await critic.sees(ann, page)
    await ann.tab.locator(".bar-open").click()
    await critic.sees(ann, "now")
    await ann.presses("Close")
    await ann.visits("/album/harbour-lights")
    row = ann.list.locator("li").nth(2)
    await row.hover()
    await row.get_by_role("button", name="More about").click()
    await critic.sees(ann, "menu")
    await ann.tab.keyboard.press("Escape")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@on_stage
async def test_the_player_can_be_looked_at_and_used_by_everybody(stage: Stage, *, dark: bool) -> None:
    laptop, kitchen, _ = await stage.account("Laptop", "Kitchen", "Car")
    radio = await stage.device(kitchen)
    playlist = await furnish(radio)
    for size, place in ((DESKTOP, "desktop"), (PHONE, "phone")):
        critic = Critic(f"{'dark' if dark else 'light'}-{place}", examines=dark == (place == "phone"))
        ann = await stage.blank(size=size, dark=dark)
        await ann.tab.goto(stage.url)
        await ann.tab.get_by_role("button", name="Sign in").wait_for()
        await critic.sees(ann, "sign-in")
        await look_around(await ann.opens(laptop), critic, playlist)
        await ann.tab.context.close()
        assert critic.found == []


@on_stage
async def test_pages_to_be_read_can_be_read_by_everybody(stage: Stage) -> None:
    for size, dark in ((DESKTOP, False), (PHONE, True)):
        tab = await stage.browser.profile(size=size, dark=dark)
        for path in ("/docs", "/nowhere"):
            await tab.goto(stage.url + path)
            assert await tab.evaluate("getComputedStyle(document.body).margin") == "0px", "its styles are there"
            assert await barriers(tab) == []

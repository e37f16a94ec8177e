"""The order of the playlists: dragged on one page, moved by keys on the other, the same on both and on a device."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from stage import Stage, on_stage
from tabs import PHONE, picture

pytestmark = pytest.mark.e2e


@on_stage
async def test_playlists_are_put_in_order_at_the_desk_and_on_the_phone(stage: Stage) -> None:
    laptop, phone, kitchen = await stage.account("Laptop", "Phone", "Kitchen")
    radio = await stage.device(kitchen)
    for name in ("Morning", "Noon", "Evening", "Night"):
        radio.create_playlist(name)
    await radio.settled()
    ann = await stage.opened(laptop)
    ben = await stage.opened(phone, size=PHONE)
    await ben.visits("/library")
    side, library = ann.tab.locator(".sidebar .tracks"), ben.list

    async def all_see(*names: str) -> None:
        await ann.sees([*names], within=side)
        await ben.sees([*names], within=library)
        await radio.until(lambda: tuple(each.name for each in radio.playlists) == names)

    await all_see("Morning", "Noon", "Evening", "Night")
    await ann.drags("Night", to=0, within=side)
    await expect(ann.tab.get_by_role("status").first).to_have_text("Night is now 1 of 4")
    await all_see("Night", "Morning", "Noon", "Evening")
    assert await ann.tab.evaluate("location.hash") in ("", "#/"), "the drop is no press on the link"

    await ben.tab.get_by_role("link", name="Morning").focus()
    await ben.tab.keyboard.press("Alt+ArrowDown")
    await ben.tab.keyboard.press("Alt+ArrowDown")
    await expect(ben.tab.get_by_role("status").first).to_have_text("Morning is now 4 of 4")
    await ben.keeps_the_notice()
    await all_see("Night", "Noon", "Evening", "Morning")
    await expect(ben.tab.get_by_role("link", name="Morning")).to_be_focused()
    await ben.presses("Undo")
    await all_see("Night", "Noon", "Morning", "Evening")

    grip = library.locator("li", has_text="Evening").locator(".grip")
    await grip.drag_to(library.locator("li").nth(1))
    await all_see("Night", "Evening", "Noon", "Morning")

    await ann.tab.context.set_offline(True)
    await ann.drags("Noon", to=0, within=side)
    await ann.sees(["Noon", "Night", "Evening", "Morning"], within=side)
    radio.move_playlist(radio.playlists[3], to=1)
    await radio.settled()
    await ann.tab.context.set_offline(False)
    await all_see("Noon", "Night", "Morning", "Evening")
    for page in (ann, ben):
        await page.settles()
        assert await page.agrees()
    await ann.tab.get_by_role("link", name="Evening").click()
    await expect(ann.tab.get_by_role("heading", name="Evening", level=1)).to_be_visible()
    await picture(ann.tab, "player-playlists-desktop")
    await picture(ben.tab, "player-playlists-phone")

"""A page without a network: what is done shows, is kept, and is sent by whoever opens the player next."""

from __future__ import annotations

import pytest
from player_page import CONNECTED, DEVICE, SETTLED
from playwright.async_api import expect
from stage import Stage, on_stage
from tabs import crash, until

pytestmark = pytest.mark.e2e

AWAY = f"!({CONNECTED})"


@on_stage
async def test_what_two_edit_while_one_is_offline_ends_equal_and_nothing_is_lost(stage: Stage) -> None:
    laptop, kitchen = await stage.account("Laptop", "Kitchen")
    radio = await stage.device(kitchen)
    mine = radio.create_playlist("Ours")
    mine.add("green-room.curtain", "green-room.understudy", "night-bus.depot")
    radio.queue.add("night-bus.window-seat")
    await radio.settled()
    ann = await stage.opened(laptop)
    await ann.tab.get_by_role("link", name="Ours").click()
    await ann.sees(["Curtain", "Understudy", "Depot"], within=ann.list)

    await ann.tab.context.set_offline(True)
    await until(ann.tab, AWAY)
    await ann.drags("Depot", to=0, within=ann.list)
    await ann.more("Curtain", "Remove from this list")
    await ann.more("Understudy", "Play next")
    await ann.sees(["Depot", "Understudy"], within=ann.list)
    await ann.sees(["Understudy", "Window Seat"], within=ann.queue)
    await expect(ann.queue.locator(".pending")).to_have_count(1)
    await expect(ann.tab.locator(".sidebar .connection")).to_contain_text("3 changes to send")
    mine.add("harbour-lights.fog-signal")
    mine.move(mine.items[1].id, to=0)
    radio.queue.play_next("night-bus.neon-rain")
    await radio.settled()
    assert radio.queue.tracks == ["night-bus.neon-rain", "night-bus.window-seat"]

    await ann.tab.context.set_offline(False)
    await ann.settles()
    await expect(ann.queue.locator(".pending")).to_have_count(0)
    await radio.until(lambda: len(mine) == 3 and len(radio.queue) == 3)
    for stream in ("a:me", mine.stream):
        assert await ann.agrees(stream)
        assert (await radio.verify(stream)).agrees
    assert await ann.device("queue.tracks") == radio.queue.tracks
    assert await ann.device(f"playlist('{mine.id}').tracks") == mine.tracks
    assert sorted(mine.tracks) == ["green-room.understudy", "harbour-lights.fog-signal", "night-bus.depot"]


@on_stage
async def test_a_tab_that_is_killed_with_unsent_edits_leaves_them_to_the_next(stage: Stage) -> None:
    laptop, kitchen = await stage.account("Laptop", "Kitchen")
    ann = await stage.opened(laptop)
    context = ann.tab.context
    await ann.visits("/album/green-room")
    await ann.more("Curtain", "Add to the queue")
    await ann.settles()
    await context.set_offline(True)
    await until(ann.tab, AWAY)
    await ann.more("Understudy", "Add to the queue")
    await ann.presses("Favourite: House Lights")
    await ann.tab.evaluate(f"{DEVICE}.stored()")
    await crash(ann.tab)
    await ann.tab.close()

    await context.set_offline(False)
    again = await ann.another_tab()
    await again.tab.goto(stage.url)
    await until(again.tab, SETTLED)
    await again.sees(["Curtain", "Understudy"], within=again.queue)
    radio = await stage.device(kitchen)
    assert radio.queue.tracks == ["green-room.curtain", "green-room.understudy"]
    assert radio.library.has("tracks", "green-room.house-lights")


@on_stage
async def test_a_page_comes_back_when_the_server_does(stage: Stage) -> None:
    (phone,) = await stage.account("phone")
    ann = await stage.opened(phone)
    await ann.visits("/album/green-room")
    await ann.more("Curtain", "Add to the queue")
    await ann.settles()
    await stage.stops()
    await until(ann.tab, AWAY)
    await ann.more("Understudy", "Add to the queue")
    await stage.starts()
    await ann.settles()
    await ann.sees(["Curtain", "Understudy"], within=ann.queue)

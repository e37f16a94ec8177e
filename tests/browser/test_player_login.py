"""Who is in front of the player: signing in by a link, out again, and other devices of the account."""

from __future__ import annotations

import pytest
from player_page import CONNECTED, DEVICE, SIGNED_OUT, PlayerPage
from playwright.async_api import expect
from stage import Stage, on_stage, on_stage_with
from tabs import until

from syncd.client import Device

pytestmark = pytest.mark.e2e


@on_stage
async def test_a_page_stays_signed_in_until_it_is_signed_out(stage: Stage) -> None:
    (phone,) = await stage.account("Phone")
    ann = await stage.blank()
    await ann.tab.goto(stage.url)
    field = ann.tab.get_by_label("Link or token of a device")
    await field.fill("no link of mine")
    await ann.presses("Sign in")
    await expect(ann.tab.locator("#wrong")).to_contain_text("There is no token in that")
    await field.fill(f" {stage.url}/#token={phone.token} ")
    await ann.presses("Sign in")
    await until(ann.tab, CONNECTED)
    await ann.visits("/album/green-room")
    await ann.more("Curtain", "Add to the queue")
    await ann.tab.reload()
    await ann.sees(["Curtain"], within=ann.queue)
    await ann.visits("/settings")
    await ann.presses("Sign out")
    await until(ann.tab, SIGNED_OUT)
    await ann.tab.reload()
    await until(ann.tab, SIGNED_OUT)
    assert await ann.tab.evaluate("localStorage.length + sessionStorage.length") == 0

    await ann.opens(phone)
    assert await ann.tab.evaluate("location.href") == f"{stage.url}/", "the token is out of the address"
    await ann.sees(["Curtain"], within=ann.queue)


@on_stage
async def test_a_device_is_added_renamed_and_signed_out_from_a_page(stage: Stage) -> None:
    (laptop,) = await stage.account("Laptop")
    ann = await stage.opened(laptop)
    async with ann.tab.context.expect_page() as opening:
        await ann.presses("Open a second device")
    ben = PlayerPage(await opening.value, stage.url)
    await until(ben.tab, CONNECTED)
    assert await ben.device("deviceId") != await ann.device("deviceId")
    await ann.visits("/album/night-bus")
    await ann.presses("Play")
    await ben.sees_playing("Last Stop but One", where="Laptop")

    await ann.visits("/devices")
    row = ann.tab.locator("article li", has_text="Second window")
    await expect(row).to_contain_text("online")
    await ann.presses("Rename Second window")
    await ann.answers("Bathroom")
    await expect(ben.tab.locator("#where .device").first).to_have_text("Bathroom (here)Online")
    await ann.presses("Sign out Bathroom")
    await ann.presses("Sign out", within=ann.tab.get_by_role("dialog", name="Sign out Bathroom?"))
    await until(ben.tab, SIGNED_OUT)
    await expect(ben.tab.get_by_role("alert").first).to_contain_text("signed out")
    await expect(ann.tab.locator("article li", has_text="Bathroom")).to_have_count(0)

    await ann.presses("Add a device")
    await ann.answers("Car")
    link = await ann.tab.get_by_label("Link", exact=True).input_value()
    async with Device(stage.service.ws_url, link.partition("#token=")[2]) as car:
        await car.ready()
        assert car.playback is not None


@on_stage_with(local_name="player.test")
async def test_a_page_over_plain_http_from_another_machine_is_whole(stage: Stage) -> None:
    (phone,) = await stage.account("Phone")
    ann = PlayerPage(await stage.browser.profile(), stage.url.replace("127.0.0.1", "player.test"))
    await ann.opens(phone)
    assert await ann.tab.evaluate("[navigator.locks, crypto.subtle].every((each) => each === undefined)")
    await ann.visits("/album/green-room")
    await ann.presses("Play Curtain by Marguerite Sol")
    await until(ann.tab, f"{DEVICE}.playback?.position_ms > 1000 && !{DEVICE}.playback.buffering")
    await ann.settles()
    assert await ann.agrees()


@on_stage
async def test_markup_in_names_stays_text(stage: Stage) -> None:
    hostile = "<img src=x onerror=document.title='owned'>"
    laptop, kitchen = await stage.account(hostile, "Kitchen")
    ann = await stage.opened(laptop)
    radio = await stage.device(kitchen)
    radio.create_playlist(hostile).add({"track": hostile, "title": hostile})
    radio.queue.add(hostile)
    radio.play(hostile)
    await radio.settled()
    await ann.sees([hostile], within=ann.queue)
    await ann.tab.get_by_role("link", name=hostile).click()
    await ann.sees([hostile], within=ann.list)
    await ann.sees_playing(hostile, where="Kitchen")
    await ann.visits("/devices")
    await expect(ann.tab.locator("img[src=x]")).to_have_count(0)
    assert await ann.tab.title() == f"{hostile} · Unknown artist"

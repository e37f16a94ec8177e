"""The operators' console in a real browser, on a real service."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import pytest
from accessible import barriers
from playwright.async_api import Locator, Page, expect
from stage import Stage, on_stage
from tabs import DESKTOP, PHONE, WAIT_MS, picture, until

from syncd.accounts import LinkedDevice
from syncd.bootstrap import Deployment
from syncd.client import Device
from syncd.clock import Clock
from syncd.log.record import Body, encode_record
from syncd.model import upcast
from syncd.model.stamp import pack
from syncd.postgres.connection import connect, hang_up
from syncd.projector import rebuild as rebuilding
from syncd.testing.beside import beside
from syncd.testing.patience import until as until_true
from syncd.testing.poison import newer
from syncd.testing.quiet import until_projected

expect.set_options(timeout=WAIT_MS)


@dataclass
class Deployed:
    """A service with an account that has lived, and an operator."""

    stage: Stage
    account: str
    token: str

    @property
    def work(self) -> Deployment:
        return self.stage.service.deployment

    @property
    def link(self) -> str:
        return f"{self.stage.url}/console#token={self.token}"

    async def opened(self, path: str = "", *, size: tuple[int, int] = DESKTOP, dark: bool = False) -> Page:
        """The console, signed in, on one of its views."""
        page = await self.stage.browser.profile(size=size, dark=dark)
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
        await until_projected(self.work.log, self.work.store)

    async def by_hand(self, statement: str, *values: object) -> None:
        """SQL behind everybody's back."""
        connection = await connect(self.stage.dsn)
        try:
            await connection.execute(statement, *values)
        finally:
            await hang_up(connection)


async def lived_in(stage: Stage) -> Deployed:
    """See `lives`."""
    phone, laptop = await stage.account("Kitchen phone", "Laptop")
    operator = await stage.service.deployment.operators.create("ben")
    deployed = Deployed(stage, phone.account, operator.token)
    ws_url = stage.service.ws_url
    async with Device(ws_url, phone.token) as kitchen, Device(ws_url, laptop.token) as desk:
        await lives(kitchen, desk, deployed.work.clock)
    await out_of_a_tunnel(deployed.work, phone)
    await deployed.projected()
    return deployed


async def lives(kitchen: Device, desk: Device, clock: Clock) -> None:
    """An evening: music on one device, the other one takes it over, a playlist, an episode."""
    for device in (kitchen, desk):
        await device.ready()
    kitchen.queue.add("So What", "Freddie Freeloader", "Blue in Green")
    kitchen.play("All Blues", context=["All Blues", "Flamenco Sketches"])
    kitchen.settings.set("crossfade_ms", 4_000)
    await kitchen.settled()
    kitchen.settings.set("theme", "light")
    kitchen.library.add("tracks", "So What")
    kitchen.library.add("albums", "Kind of Blue")
    await kitchen.settled()
    await desk.until(lambda: desk.library.has("albums", "Kind of Blue"))
    now_ms = clock.now_ms()
    await until_true(lambda: clock.now_ms() > now_ms)  # what comes in one ms cannot be travelled between
    desk.settings.set("theme", "dark")
    desk.queue.move(desk.queue.items[2].id, to=0)
    mornings = desk.create_playlist("Mornings")
    mornings.add("Naima", "Central Park West")
    desk.progress.listened("episode-41", 1_450_000, duration_ms=3_600_000)
    desk.pause()
    await desk.settled()


async def out_of_a_tunnel(work: Deployment, device: LinkedDevice) -> None:
    """What the phone had set an hour ago arrives now, and loses."""
    now_ms = work.clock.now_ms()
    body = Body(
        t=pack(now_ms - 3_600_000), data={"theme": "sepia"}, account=device.account, device=device.device,
        admitted_ms=now_ms,
    )  # fmt: skip
    record = encode_record(f"a:{device.account}", "tunnel0000", 1, "settings.changed", body)
    (appended,) = await work.log.append([record])
    assert appended.outcome == "written"


LOOKS = {
    "desktop-light": (DESKTOP, False),
    "desktop-dark": (DESKTOP, True),
    "phone-light": (PHONE, False),
    "phone-dark": (PHONE, True),
}
EXAMINED = {
    "desktop-light": {"sign-in", "overview", "account", "changes", "devices", "letters", "repair", "acts", "accounts"},
    "desktop-dark": set[str](),
    "phone-light": set[str](),
    "phone-dark": {"overview", "account", "changes", "letters", "repair"},
}
"""What is looked through for barriers: together both widths and both schemes, since that takes a second a view."""


@on_stage
async def test_every_view_has_no_barriers_and_a_picture_in_each_look(stage: Stage) -> None:
    deployed = await lived_in(stage)
    log = deployed.work.log
    await log.append([newer(f"a:{deployed.account}", '{"theme":"newer"}', seq=1)])
    await deployed.projected()
    await deployed.by_hand("update cells set value = '7' where key = 'settings/crossfade_ms'")
    page = await deployed.opened("repair")
    await page.get_by_role("button", name="Verify").click()
    await expect(page.locator(".job")).to_contain_text("settings/crossfade_ms")
    await asyncio.gather(*(looked_at(deployed, look) for look in LOOKS))


async def looked_at(deployed: Deployed, look: str) -> None:
    size, dark = LOOKS[look]
    found: list[str] = []

    async def seen(view: str) -> None:
        await picture(page, f"console-{view}-{look}")
        if view in EXAMINED[look]:
            found.extend(f"{view}: {each}" for each in await barriers(page))
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{view} scrolls sideways on {look}"

    async def go(path: str) -> None:
        await page.evaluate("path => { location.hash = `#/${path}`; }", path)

    page = await deployed.stage.browser.profile(size=size, dark=dark)
    await page.goto(f"{deployed.stage.url}/console")
    await expect(page.get_by_label("Operator's token")).to_be_visible()
    await seen("sign-in")
    await page.goto(deployed.link)
    await page.reload()  # an address that differs in its fragment alone loads nothing
    await expect(page.locator(".stat").first).to_be_visible()
    await expect(page.locator("canvas")).to_have_count(6)
    await expect(page.get_by_role("table", name="Errors")).to_contain_text("dead letter")
    await seen("overview")
    await go(f"accounts/{deployed.account}")
    await expect(page.locator(".write.lost").first).to_be_visible()
    await expect(page.get_by_text("crossfade_ms").last).to_be_attached()
    await seen("account")
    await page.get_by_role("button", name="Back", exact=True).click()
    await page.get_by_role("button", name="Back", exact=True).click()
    await page.get_by_role("tab", name="Changes").click()
    await expect(page.locator(".changes li").first).to_be_visible()
    await seen("changes")
    await page.get_by_role("tab", name="Devices").click()
    await seen("devices")
    await go("dead-letters")
    await page.get_by_role("button", name=re.compile(r"^0:\d+")).click()
    await expect(page.get_by_label("Body")).to_be_visible()
    await seen("letters")
    await go("repair")
    await expect(page.locator(".job").get_by_text("settings/crossfade_ms")).to_be_visible()
    await seen("repair")
    for path in ("acts", "accounts"):
        await go(path)
        await expect(page.locator("table")).to_be_visible()
        await seen(path)
    assert found == []


@on_stage
async def test_an_operator_signs_in_in_one_tab_and_is_out_when_revoked(stage: Stage) -> None:
    deployed = await lived_in(stage)
    page = await deployed.stage.browser.profile()
    await page.goto(f"{deployed.stage.url}/console")
    await page.get_by_label("Operator's token").fill("syncd_operator_of-nobody")
    await page.get_by_role("button", name="Open the console").click()
    await expect(page.get_by_role("alert")).to_contain_text("no operator has this token")
    await page.get_by_label("Operator's token").fill(f" {deployed.link} ")
    await page.get_by_role("button", name="Open the console").click()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert deployed.token not in page.url

    other = await page.context.new_page()
    await other.goto(deployed.link)
    await expect(other.get_by_role("heading", name="Overview")).to_be_visible()
    assert "token" not in other.url, "it is out of the address"
    await other.get_by_role("button", name="Sign out").click()
    await expect(other.get_by_label("Operator's token")).to_be_visible()
    await other.reload()
    await expect(other.get_by_label("Operator's token")).to_be_visible()
    await other.close()

    await deployed.work.operators.revoke("ben")
    await expect(page.get_by_role("alert")).to_contain_text("ben was revoked", timeout=60_000)
    assert await page.evaluate("sessionStorage.length + localStorage.length + document.cookie.length") == 0


@on_stage
async def test_charts_move_when_devices_do(stage: Stage) -> None:
    deployed = await lived_in(stage)
    page = await deployed.opened()
    chart = page.get_by_role("img", name=re.compile("^Events a second"))
    await expect(chart).to_be_visible()
    await expect(page.locator(".stat", has_text="Connections").locator("b")).to_have_text("0")
    drawn = await chart.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    radio, car = (
        Device(stage.service.ws_url, each.token) for each in await stage.service.account("busy", "Radio", "Car")
    )
    async with radio, car:
        for device in (radio, car):
            await device.ready()
        async with beside(emit_on(radio)):
            await expect(page.locator(".stat", has_text="Connections").locator("b")).to_have_text("2")
            await expect(chart).to_have_attribute("aria-label", re.compile(r"deltas sent [1-9].*admitted [1-9]"))
            await expect(page.get_by_role("img", name=re.compile(r"^Commit to delta.*p99 [\d.]+ ms"))).to_be_visible()
            await until(page, f"document.querySelectorAll('canvas')[1].toDataURL() !== {drawn!r}")
    await expect(page.locator(".stat", has_text="Connections").locator("b")).to_have_text("0")
    await expect(page.get_by_role("table", name="Processes")).to_contain_text("api, gateway, projector")


async def emit_on(device: Device) -> None:
    n = 0
    while True:
        n += 1
        device.settings.set("n", n)
        await device.settled()


@on_stage
async def test_the_timeline_travels_and_says_who_won(stage: Stage) -> None:
    deployed = await lived_in(stage)
    page = await deployed.on_account()
    lost = page.locator(".write.lost")
    await expect(lost).to_contain_text("lost to Laptop's settings.changed")
    await expect(lost).to_contain_text("earlier")
    await expect(page.locator(".write.replaced", has_text="settings/theme")).to_contain_text("until Laptop's")
    await expect(state_of(page, "Settings")).to_contain_text("dark")

    slider = page.get_by_role("slider")
    await slider.focus()
    await page.keyboard.press("Home")
    await expect(page.get_by_text("Nothing plays.")).to_be_visible()
    await expect(page.get_by_text("Settings: nothing")).to_be_visible()
    themes = []
    while not await page.get_by_role("button", name="Now", exact=True).is_disabled():
        themes.append(await shown_theme(page))
        await page.keyboard.press("ArrowRight")
    assert [theme for n, theme in enumerate(themes) if theme != themes[n - 1]] == ["", "light", "dark"]

    await page.get_by_role("button", name=re.compile('set theme = "light"')).click()
    await page.get_by_role("button", name="Compare from here").click()
    await page.get_by_role("button", name="Now", exact=True).click()
    await page.get_by_role("tab", name="Changes").click()
    change = page.locator(".changes li", has_text="settings / theme")
    await expect(change.locator("del")).to_contain_text("light")
    await expect(change.locator("ins")).to_contain_text("dark")
    await expect(page.locator(".changes li", has_text="queue")).to_contain_text("reordered")

    await page.get_by_label("Go to").fill("lunch")
    await page.get_by_role("button", name="Go", exact=True).click()
    await expect(page.get_by_text("“lunch” is no time")).to_be_visible()
    await page.get_by_label("Go to").fill("2h")
    await page.get_by_role("button", name="Go", exact=True).click()
    await expect(page.get_by_text("before everything that is loaded")).to_be_visible()

    await page.get_by_label("lost only").check()
    await expect(page.locator(".step")).to_have_count(1)
    await page.get_by_label("lost only").uncheck()
    await page.get_by_label("Cell", exact=True).fill("queue/*")
    await expect(page.locator(".step", has_text="put 3 items into the queue")).to_be_visible()
    await expect(page.locator(".write", has_text="settings/")).to_have_count(0)


def state_of(page: Page, part: str) -> Locator:
    return page.locator(".part", has=page.locator("summary", has_text=part))


async def shown_theme(page: Page) -> str:
    """What the state says of the theme at the moment that the slider names, when it has come."""
    said = await page.get_by_role("slider").get_attribute("aria-valuetext")
    await expect(page.locator(".when")).to_have_text(said or "")
    await expect(page.locator("#shown [aria-busy=false]")).to_be_visible()
    theme = page.locator(".pairs > div", has=page.locator("dt", has_text="theme")).locator("dd")
    return await theme.inner_text() if await theme.count() else ""


@on_stage
async def test_what_verify_finds_a_rebuild_mends_with_progress(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "STAGE_RECORDS", 1)  # so that there are steps to show
    deployed = await lived_in(stage)
    await deployed.by_hand("update cells set value = '7' where key = 'settings/crossfade_ms'")
    page = await deployed.opened("repair")
    await page.get_by_role("button", name="Verify").click()
    job = page.locator(".job").first
    await expect(job).to_contain_text("settings/crossfade_ms")
    await expect(job).to_contain_text("1 differ from the log")
    holder = await connect(stage.dsn)
    try:
        # Somebody holds the checkpoint, so the swap waits and the bar can be seen.
        async with holder.transaction():
            await holder.execute("select 1 from checkpoints for update")
            await page.get_by_role("button", name="Rebuild it").click()
            rebuild = page.locator(".job", has_text=f"rebuild account {deployed.account}")
            await expect(rebuild.get_by_role("progressbar")).to_have_js_property("position", 1)
            await expect(rebuild).to_contain_text(re.compile(r"(\d+) of \1 records"))
            await expect(page.get_by_role("link", name=re.compile("Verify and rebuild"))).to_contain_text("1")
    finally:
        await hang_up(holder)
    await expect(rebuild).to_contain_text("1 cells of 1 streams were swapped")
    await page.get_by_role("button", name="Verify").click()
    await expect(page.locator(".job").first).to_contain_text("agrees with the log")
    await page.get_by_role("button", name="Rebuild", exact=True).click()
    await expect(page.get_by_role("dialog")).to_contain_text("Rebuild everything?")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(page.locator(".job")).to_have_count(3)
    await page.get_by_role("link", name="What operators did").click()
    row = page.locator("tr", has_text=f"rebuild account {deployed.account}").first
    await expect(row).to_contain_text("ben")
    await expect(row).to_contain_text("were swapped")


@on_stage
async def test_a_dead_letter_is_retried_after_an_upgrade_and_another_one_dropped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = await lived_in(stage)
    stream = f"a:{deployed.account}"
    damaged = newer(stream, "", seq=2)._replace(version=1, body=b"{")
    await deployed.work.log.append([newer(stream, '{"theme":"newer"}', seq=1), damaged])
    await deployed.projected()
    page = await deployed.opened("dead-letters")
    first = page.locator("tr", has_text="upcast_failed")
    await first.get_by_role("button", name="Retry").click()
    await expect(page.get_by_text(re.compile("stays: upcast_failed"))).to_be_visible()

    monkeypatch.setattr(upcast, "UPCASTERS", (lambda kind, data: (kind, data),))
    monkeypatch.setattr(upcast, "SCHEMA_VERSION", 2)
    await first.get_by_role("button", name="Retry").click()
    await expect(page.get_by_text(re.compile("was appended again"))).to_be_visible()
    await expect(first).to_have_count(0)
    await page.get_by_role("button", name="Drop").click()
    await page.get_by_role("dialog").get_by_role("button", name="Leave it").click()
    await expect(page.locator("tr", has_text="undecodable")).to_have_count(1)
    await page.get_by_role("button", name="Drop").click()
    await page.get_by_role("dialog").get_by_role("button", name="Drop it").click()
    await expect(page.get_by_text("No dead letters")).to_be_visible()
    await deployed.projected()
    await page.evaluate("account => { location.hash = `#/accounts/${account}`; }", deployed.account)
    await expect(page.locator(".step", has_text="newer").first).to_be_visible()

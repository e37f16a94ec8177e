"""The page in a real browser, on a real service: what a listener sees."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Page
from tabs import browsing, until

from syncd.accounts import LinkedDevice
from syncd.config import Config
from syncd.testing.service import Service, running_service

pytestmark = pytest.mark.e2e

LIVE = "document.getElementById('connection').dataset.phase === 'live'"
SIGNED_OUT = "!document.getElementById('sign-in').hidden"


class Listener:
    """Somebody in front of a page."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    async def opens(self, device: LinkedDevice) -> None:
        await self.page.goto(f"{self.url}/#token={device.token}")
        await until(self.page, LIVE)

    async def presses(self, id_: str) -> None:
        await until(self.page, f"document.getElementById('{id_}').disabled === false")
        await self.page.evaluate(f"document.getElementById('{id_}').click()")

    async def adds(self, track: str) -> None:
        await self.page.evaluate(
            f"document.getElementById('track').value = {json.dumps(track)};"
            "document.querySelector('#add button').click()"
        )

    async def plays(self, track: str) -> None:
        """From the queue, on this very page."""
        label = json.dumps(f"Play {track}")
        button = f"[...document.querySelectorAll('#queue button')].find((b) => b.ariaLabel === {label} && !b.disabled)"
        await until(self.page, f"!!{button}")
        await self.page.evaluate(f"{button}.click()")

    async def sees(self, id_: str, text: str) -> None:
        await until(self.page, f"document.getElementById('{id_}').innerText === {json.dumps(text)}")

    async def sees_queue(self, *tracks: str) -> None:
        shown = "JSON.stringify([...document.querySelectorAll('#queue .title')].map((t) => t.innerText))"
        await until(self.page, f"{shown} === {json.dumps(json.dumps(list(tracks), separators=(',', ':')))}")

    async def reads_of(self, what: str) -> None:
        await until(self.page, f"document.getElementById('news').innerText.includes({json.dumps(what)})")


@asynccontextmanager
async def listeners(service: Service, count: int) -> AsyncIterator[list[Listener]]:
    """Each with a browser profile of their own."""
    async with browsing() as browser:
        yield [Listener(await browser.profile(), service.http_url) for _ in range(count)]


def run(dsn: str, story: Callable[[Service], Awaitable[None]]) -> None:
    async def told() -> None:
        async with running_service(Config(database_url=dsn, port=0, ws_port=0)) as service:
            await story(service)

    asyncio.run(told())


def test_two_pages_show_one_truth(postgres_dsn: str) -> None:
    async def story(service: Service) -> None:
        kitchen, phone = await service.account("ada", "Kitchen", "phone")
        async with listeners(service, 2) as (ann, ben):
            await ann.opens(kitchen)
            assert await ann.page.evaluate("location.href") == f"{service.http_url}/", "the token is out of the address"
            await ben.opens(phone)
            for track in ("So What", "Freddie Freeloader", "Blue in Green"):
                await ann.adds(track)
            for listener in (ann, ben):
                await listener.sees_queue("So What", "Freddie Freeloader", "Blue in Green")
            await ben.reads_of("Kitchen added a track to the queue")

            await ben.plays("So What")
            await ann.sees("now-title", "So What")
            await ann.sees("now-where", "playing on phone")
            await ann.presses("next")
            await ben.sees("now-title", "Freddie Freeloader")
            await ann.presses("toggle")
            await ben.sees("toggle", "Play")
            for listener in (ann, ben):
                await listener.sees_queue("Blue in Green")

            headers = {"authorization": f"Bearer {phone.token}"}
            async with httpx.AsyncClient(base_url=service.http_url) as client:
                state = (await client.get("/v1/state", headers=headers)).json()
            assert [entry["track"] for entry in state["queue"]] == ["Blue in Green"]
            assert state["playback"]["item"]["track"] == "Freddie Freeloader"
            assert state["playback"]["playing"] is False

    run(postgres_dsn, story)


def test_a_page_stays_signed_in_until_it_is_signed_out(postgres_dsn: str) -> None:
    async def story(service: Service) -> None:
        (phone,) = await service.account("ada", "phone")
        async with listeners(service, 1) as (ann,):
            await ann.opens(phone)
            await ann.adds("So What")
            await ann.reads_of("You added a track")
            await ann.page.evaluate("window.old = true; setTimeout(() => location.reload())")
            await until(ann.page, f"window.old === undefined && {LIVE}")
            await ann.sees_queue("So What")
            await ann.adds("Naima")
            await ann.sees_queue("So What", "Naima")
            await ann.presses("sign-out")
            await until(ann.page, SIGNED_OUT)
            await ann.page.evaluate("window.old = true; setTimeout(() => location.reload())")
            await until(ann.page, f"window.old === undefined && {SIGNED_OUT}")
            assert await ann.page.evaluate("localStorage.length + sessionStorage.length") == 0

    run(postgres_dsn, story)


def test_a_page_comes_back_when_the_server_does(postgres_dsn: str) -> None:
    async def story() -> None:
        config = Config(database_url=postgres_dsn, port=0, ws_port=0)
        async with browsing() as browser:
            async with running_service(config) as service:
                (phone,) = await service.account("ada", "phone")
                ann = Listener(await browser.profile(), service.http_url)
                await ann.opens(phone)
                await ann.adds("So What")
                await ann.reads_of("You added a track")
            await until(ann.page, f"!({LIVE}) && document.getElementById('next').disabled")
            await ann.sees_queue("So What")
            port, ws_port = (urlsplit(url).port or 0 for url in (service.http_url, service.ws_url))
            async with running_service(replace(config, port=port, ws_port=ws_port)):
                await until(ann.page, LIVE)
                await ann.adds("Naima")
                await ann.reads_of("You added a track")
                await ann.sees_queue("So What", "Naima")

    asyncio.run(story())


def test_a_revoked_page_says_so_and_asks_for_another_login(postgres_dsn: str) -> None:
    async def story(service: Service) -> None:
        phone, other = await service.account("ada", "phone", "other")
        async with listeners(service, 1) as (ann,):
            await ann.opens(phone)
            await service.deployment.accounts.revoke(phone.device)
            await until(ann.page, SIGNED_OUT)
            assert "revoked" in await ann.page.evaluate("document.getElementById('why').innerText")
            pasted = json.dumps(f" {service.http_url}/#token={other.token} ")
            await ann.page.evaluate(f"document.getElementById('token').value = {pasted}")
            await ann.page.evaluate("document.querySelector('#sign-in button').click()")
            await until(ann.page, LIVE)

    run(postgres_dsn, story)


def test_markup_in_names_stays_text(postgres_dsn: str) -> None:
    async def story(service: Service) -> None:
        hostile = "<img src=x onerror=document.title='owned'>"
        (phone,) = await service.account("ada", "phone")
        async with listeners(service, 1) as (ann,):
            await ann.opens(phone)
            await ann.adds(hostile)
            await ann.sees_queue(hostile)
            await ann.plays(hostile)
            await ann.sees("now-title", hostile)
            await ann.reads_of(f"You started {hostile}")
            assert await ann.page.evaluate("document.querySelectorAll('img').length") == 1, "the icon alone"

    run(postgres_dsn, story)

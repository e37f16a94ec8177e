"""A player of somebody else's, on a host of its own: a page that is named gets everywhere, another nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from threading import Thread

import pytest
from playwright.async_api import Page
from tabs import Browser, browsing

from syncd.config import Config
from syncd.testing.service import running_service

pytestmark = pytest.mark.e2e

_OPEN = """async ([url, token]) => {
  const { Device, linkDevice } = await import("/static/sdk/index.js");
  const device = await Device.open({ url, token });
  await device.ready({ timeoutMs: 45_000 });
  device.queue.add("t1");
  await device.settled();
  const linked = await linkDevice({ url, token }, "Kitchen");
  await device.close();
  return linked.name;
}"""
_ASK = "url => fetch(url).then((answer) => answer.status, (error) => error.name)"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def another_host() -> Iterator[str]:
    """The SDK's modules on a web server that knows nothing of syncd: its origin. `localhost` is not `127.0.0.1`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(files("syncd").joinpath("web")))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@asynccontextmanager
async def visiting(dsn: str, *origins: str) -> AsyncIterator[tuple[Browser, Page, list[str]]]:
    """A tab of another host beside a service that names these origins, `page` for that host's; address and a token."""
    with another_host() as page:
        named = tuple(page if origin == "page" else origin for origin in origins)
        config = Config(database_url=dsn, port=0, ws_port=0, origins=named)
        async with running_service(config) as service, browsing() as browser:
            (laptop,) = await service.account("ada", "Laptop")
            tab = await browser.profile()
            await tab.goto(f"{page}/static/icon.svg")
            yield browser, tab, [service.http_url, laptop.token]


def test_a_named_page_opens_a_device_and_links_another(postgres_dsn: str) -> None:
    async def story() -> None:
        async with visiting(postgres_dsn, "page") as (_, tab, login):
            assert await tab.evaluate(_OPEN, login) == "Kitchen"

    asyncio.run(story())


def test_a_page_that_is_not_named_may_not_even_ask_where_a_gateway_is(postgres_dsn: str) -> None:
    async def story() -> None:
        async with visiting(postgres_dsn, "https://player.example") as (browser, tab, (url, _)):
            assert await tab.evaluate(_ASK, f"{url}/v1/connect") == "TypeError"
            (complaint,) = browser.complaints
            assert "blocked by CORS policy" in complaint
            browser.complaints.clear()

    asyncio.run(story())

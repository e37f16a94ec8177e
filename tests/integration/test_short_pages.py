"""A page of the log may be short because its records are large: whoever reads a stream must go on to its end.

In the world: readers took a short page for the last one, and a device that came back missed what lay behind it.
"""

from __future__ import annotations

import asyncio

import pytest
from house import House, opened_house

from syncd import limits
from syncd.operations.log_show import Filter, tail
from syncd.operations.refold import stream_pages
from syncd.operations.state import account_state
from syncd.operations.verify import verify

EVENTS = 12


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few records fill a page, as 256 of the largest do."""
    monkeypatch.setattr(limits, "READ_BYTES_MAX", 1_000)


def test_a_stream_is_read_to_its_end_however_short_the_pages(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house:
            account = await _many(house)
            state = await account_state(house.log, house.store, account, house.clock.ms)
            assert len(state["settings"]) == EVENTS  # type: ignore[arg-type]
            pages = [page async for page in stream_pages(house.log, f"a:{account}")]
            assert len(pages) > 1
            assert sum(map(len, pages)) == EVENTS + 1
            await house.project()
            found = await verify(house.log, house.store, seed=1)
            assert (found.agrees, found.records) == (True, EVENTS + 1)

    asyncio.run(story())


def test_a_tail_misses_nothing_however_short_the_pages(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened_house(postgres_dsn) as house, asyncio.timeout(20):
            phone = await house.device("alice", "phone")
            following = tail(house.log, Filter(stream=f"a:{phone.account}"), last=1)
            assert (await anext(following)).kind == "device.described"
            for n in range(EVENTS):
                await house.emit(phone, "settings.changed", {f"key{n}": "x" * 200})
            seen = [(await anext(following)).data for _ in range(EVENTS)]
            assert seen == [{f"key{n}": "x" * 200} for n in range(EVENTS)]
            await following.aclose()

    asyncio.run(story())


async def _many(house: House) -> str:
    phone = await house.device("alice", "phone")
    for n in range(EVENTS):
        await house.emit(phone, "settings.changed", {f"key{n}": "x" * 200})
    return phone.account

"""A token is asked about once, trusted a few seconds, and forgotten at the first word of its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import pytest

from syncd.accounts import Login
from syncd.accounts.memory import MemoryAccounts
from syncd.errors import LoginExpired, LoginRevoked, StoreUnavailable, Unauthenticated
from syncd.gateway.logins import Logins
from syncd.gateway.together import Together
from syncd.limits import LEFT_KEPT_S, LOGIN_TRUSTED_S


class HandClock:
    """Time that tests turn."""

    s = 1_000.0

    def now_ms(self) -> int:
        return int(self.s * 1_000)

    def monotonic_s(self) -> float:
        return self.s


class CountedAccounts(MemoryAccounts):
    """Counts tokens that it is asked about, and can be away."""

    asked = 0
    away = False
    swept_at_once = 0
    """The most devices in one question."""

    async def logins(self, tokens: Sequence[str]) -> Mapping[str, Login | Unauthenticated]:
        if self.away:
            raise StoreUnavailable("away")
        self.asked += len(tokens)
        return await super().logins(tokens)

    async def revoked_of(self, devices: Sequence[str]) -> Sequence[str]:
        if self.away:
            raise StoreUnavailable("away")
        self.swept_at_once = max(self.swept_at_once, len(devices))
        return await super().revoked_of(devices)


class Door:
    """Logins over accounts in memory, with one linked device."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.accounts = CountedAccounts(self.clock)
        self.logins = Logins(self.accounts, Together(self.accounts.logins), self.clock)

    async def link(self) -> None:
        account = await self.accounts.create("ann")
        self.phone = await self.accounts.link(account.account, name="phone")

    async def comes_in(self) -> bool:
        return (await self.logins.of(self.phone.token)).device == self.phone.device


def at_the_door(story: Callable[[Door], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def test() -> None:
        async def told() -> None:
            door = Door()
            await door.link()
            await story(door)

        asyncio.run(told())

    test.__name__ = story.__name__
    return test


@at_the_door
async def test_a_token_is_asked_about_once_and_one_that_nobody_holds_each_time(door: Door) -> None:
    for _ in range(3):
        assert await door.comes_in()
        with pytest.raises(LoginExpired):
            await door.logins.of("no token")
    assert door.accounts.asked == 1 + 3


@at_the_door
async def test_a_token_is_trusted_only_as_long_as_it_was_asked_about_lately(door: Door) -> None:
    assert await door.comes_in()
    door.accounts.away = True
    door.clock.s += LOGIN_TRUSTED_S - 0.1
    assert await door.comes_in()
    door.clock.s += 0.2
    with pytest.raises(StoreUnavailable):
        await door.comes_in()


@at_the_door
async def test_a_sweep_that_got_no_answer_prolongs_nothing(door: Door) -> None:
    assert await door.comes_in()
    door.clock.s += LOGIN_TRUSTED_S - 1
    assert await door.logins.sweep(()) == []
    door.accounts.away = True
    door.clock.s += LOGIN_TRUSTED_S - 1
    with pytest.raises(StoreUnavailable):
        await door.logins.sweep(())
    assert await door.comes_in(), "the first sweep said so"
    door.clock.s += 1.1
    with pytest.raises(StoreUnavailable):
        await door.comes_in()


@at_the_door
async def test_news_of_a_revocation_ends_the_trust_at_once(door: Door) -> None:
    assert await door.comes_in()
    await door.accounts.revoke(door.phone.device)
    assert await door.comes_in(), "nobody has told yet"
    door.logins.revoked(door.phone.device)
    with pytest.raises(LoginRevoked):
        await door.comes_in()


@at_the_door
async def test_when_the_news_was_lost_the_sweep_finds_out_also_of_those_who_are_away(door: Door) -> None:
    assert await door.comes_in()
    await door.accounts.revoke(door.phone.device)
    assert await door.logins.sweep(()) == [door.phone.device]
    with pytest.raises(LoginRevoked):
        await door.comes_in()


@at_the_door
async def test_a_sweep_asks_about_the_connected_whoever_is_remembered(door: Door) -> None:
    assert await door.logins.sweep([door.phone.device, "gone"]) == ["gone"]


@at_the_door
async def test_a_sweep_of_many_goes_in_parts_that_hold_nobody_up(door: Door) -> None:
    crowd = [f"gone-{number}" for number in range(1_000)]
    assert sorted(await door.logins.sweep([*crowd, door.phone.device])) == sorted(crowd)
    assert 0 < door.accounts.swept_at_once <= 250


@at_the_door
async def test_who_stays_away_is_forgotten_and_who_is_connected_is_not(door: Door) -> None:
    assert await door.comes_in()
    for _ in range(10):
        door.clock.s += LEFT_KEPT_S / 2
        await door.logins.sweep([door.phone.device])
    assert await door.comes_in()
    assert door.accounts.asked == 1
    door.clock.s += LEFT_KEPT_S + 1
    await door.logins.sweep(())
    assert await door.comes_in()
    assert door.accounts.asked == 2

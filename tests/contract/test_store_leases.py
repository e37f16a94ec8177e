"""The exam of the store's leases: every adapter sits it. Source: syncd/store/port.py."""

from __future__ import annotations

import asyncio
import time

from stores_under_test import LONG_S, SHORT_S, StoreUnderTest, leased, tell

from syncd.store.port import (
    Lease,
    Store,
)
from syncd.testing.patience import eventually


def test_one_holder_at_a_time(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        assert await store.acquire(0, holder="one", ttl_s=LONG_S) == Lease(0, "one", 1)
        assert await store.acquire(0, holder="two", ttl_s=LONG_S) is None
        assert await store.acquire(0, holder="one", ttl_s=LONG_S) is None
        assert await store.acquire(1, holder="two", ttl_s=LONG_S) == Lease(1, "two", 1)

    tell(store_under_test, story)


def test_of_many_who_ask_at_once_one_gets_it(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        async with store_under_test.open() as other:
            for term in (1, 2, 3):
                asked = [one.acquire(0, holder=f"h{i}", ttl_s=LONG_S) for i, one in enumerate([store, other] * 5)]
                (lease,) = [found for found in await asyncio.gather(*asked) if found is not None]
                assert lease.term == term
                await store.release(lease)

    tell(store_under_test, story)


def test_a_lease_released_is_free_at_once_under_a_new_term(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        lease = await leased(store)
        await store.release(lease)
        assert not await store.renew(lease, ttl_s=LONG_S)
        assert await store.acquire(0, holder="two", ttl_s=LONG_S) == Lease(0, "two", 2)
        await store.release(lease)  # not its any more
        assert await store.acquire(0, holder="three", ttl_s=LONG_S) is None

    tell(store_under_test, story)


def test_an_old_term_of_the_same_holder_gives_nothing_back(store_under_test: StoreUnderTest) -> None:
    """A worker that was frozen, came back under the same name, and only then ends its earlier life."""

    async def story(store: Store) -> None:
        first = await store.acquire(0, holder="me", ttl_s=0)
        second = await leased(store)
        assert first is not None
        await store.release(first)
        assert not await store.renew(first, ttl_s=LONG_S)
        assert await store.acquire(0, holder="other", ttl_s=LONG_S) is None
        assert await store.renew(second, ttl_s=LONG_S)

    tell(store_under_test, story)


def test_a_lease_that_was_given_back_may_be_left_to_others_for_a_while(store_under_test: StoreUnderTest) -> None:
    """So that whoever it was given up for comes first. One that ran out is nobody's."""

    async def story(store: Store) -> None:
        lease = await store.acquire(0, holder="one", ttl_s=LONG_S, free_s=LONG_S)
        assert lease == Lease(0, "one", 1), "it was never held"
        assert await store.acquire(0, holder="two", ttl_s=LONG_S, free_s=SHORT_S) is None
        await store.release(lease)
        assert await store.acquire(0, holder="two", ttl_s=LONG_S, free_s=LONG_S) is None
        taken = await eventually(lambda: store.acquire(0, holder="two", ttl_s=LONG_S, free_s=SHORT_S))
        assert taken == Lease(0, "two", 2)
        await store.release(taken)
        assert await store.acquire(0, holder="three", ttl_s=0) == Lease(0, "three", 3)
        assert await store.acquire(0, holder="four", ttl_s=LONG_S, free_s=LONG_S) == Lease(0, "four", 4)

    tell(store_under_test, story)


def test_a_lease_expires_not_before_its_time(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        began = time.monotonic()
        lease = await store.acquire(0, holder="one", ttl_s=SHORT_S)
        assert lease is not None
        taken = await eventually(lambda: store.acquire(0, holder="two", ttl_s=LONG_S))
        assert time.monotonic() - began >= SHORT_S
        assert taken == Lease(0, "two", 2)
        assert not await store.renew(lease, ttl_s=LONG_S)

    tell(store_under_test, story)


def test_a_renewed_lease_lives_on(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        async def renewed() -> Lease | None:
            """A slow machine may come too late for it."""
            lease = await store.acquire(0, holder="one", ttl_s=SHORT_S)
            return lease if lease is not None and await store.renew(lease, ttl_s=LONG_S) else None

        lease = await eventually(renewed)
        await asyncio.sleep(SHORT_S * 1.5)  # what is shown is that nothing happens when the first time has passed
        assert await store.acquire(0, holder="two", ttl_s=LONG_S) is None
        assert await store.renew(lease, ttl_s=LONG_S)

    tell(store_under_test, story)


def test_an_expired_lease_cannot_be_renewed_even_if_nobody_took_it(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        lease = await store.acquire(0, holder="one", ttl_s=0)
        assert lease is not None
        assert not await store.renew(lease, ttl_s=LONG_S)
        assert not await store.renew(Lease(3, "one", 1), ttl_s=LONG_S)

    tell(store_under_test, story)

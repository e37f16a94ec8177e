"""Who owns a partition: even, the same for everybody, and moved as little as can be."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import StoreUnavailable
from syncd.gateway import owners as rooms
from syncd.gateway.owners import Owners, ranked
from syncd.store.port import LiveGateway

PARTITIONS = 240


def gateways(*names: str) -> list[LiveGateway]:
    return [LiveGateway(name, None, 8081) for name in names]


def owners(*names: str) -> list[str]:
    """The owner of each partition."""
    return [ranked(partition, gateways(*names))[0].gateway for partition in range(PARTITIONS)]


names = st.lists(st.text("0123456789abcdef", min_size=12, max_size=12), min_size=2, max_size=8, unique=True)


@given(names, st.integers(0, 1023), st.randoms())
def test_the_order_in_which_gateways_are_known_changes_nothing(names: list[str], partition: int, rng: object) -> None:
    assert ranked(partition, gateways(*names)) == ranked(partition, gateways(*reversed(names)))


@given(names)
def test_one_that_leaves_gives_up_its_own_partitions_only_and_each_to_the_next_in_rank(names: list[str]) -> None:
    gone, *left = names
    for partition in range(PARTITIONS // 10):
        before, after = (ranked(partition, gateways(*some)) for some in (names, left))
        assert after == [gateway for gateway in before if gateway.gateway != gone]


@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_partitions_are_spread_evenly(count: int) -> None:
    """Each gateway within half of an even share: 240 draws among 8 are off by a third in one of a hundred."""
    owned = Counter(owners(*(f"gateway-{n}" for n in range(count))))
    assert len(owned) == count
    share = PARTITIONS / count
    assert all(share / 2 < partitions < share * 3 / 2 for partitions in owned.values()), owned


def test_one_that_leaves_is_inherited_by_all_others() -> None:
    before = owners("a", "b", "c", "d")
    after = owners("a", "b", "c")
    heirs = Counter(heir for owner, heir in zip(before, after, strict=True) if owner == "d")
    assert set(heirs) == {"a", "b", "c"}
    assert [heir for owner, heir in zip(before, after, strict=True) if owner != "d"] == [o for o in before if o != "d"]


class Directory:
    """A store that knows of gateways until it is away."""

    def __init__(self, *known: LiveGateway) -> None:
        self.known: Sequence[LiveGateway] = known
        self.away = False
        self.asked = 0

    async def announce(self, gateway: LiveGateway, *, draining: bool) -> None:
        raise NotImplementedError

    async def live_gateways(self, *, ttl_s: float) -> Sequence[LiveGateway]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailable("no answer")
        return self.known


def test_a_storm_of_questions_asks_the_store_once() -> None:
    async def story() -> None:
        directory = Directory(*gateways("a", "b"))
        found = Owners(directory)
        answers = await asyncio.gather(*(found.live() for _ in range(100)))
        assert all(list(answer) == gateways("a", "b") for answer in answers)
        await found.live()
        assert directory.asked == 1

    asyncio.run(story())


def test_while_the_store_is_away_the_last_answer_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "FRESH_S", 0.0)

    async def story() -> None:
        directory = Directory(*gateways("a", "b"))
        found = Owners(directory)
        await found.live()
        directory.away = True
        assert list(await found.live()) == gateways("a", "b")
        directory.away, directory.known = False, gateways("b")
        assert list(await found.live()) == gateways("b")
        assert directory.asked == 3

    asyncio.run(story())

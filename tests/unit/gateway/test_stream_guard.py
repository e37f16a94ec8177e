"""The rules of one stream, loaded from the store and the log's tail, and kept up to date by the tail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec import convert

from syncd.accounts.memory import MemoryAccounts
from syncd.gateway import guard as guards
from syncd.gateway.guard import Guard
from syncd.gateway.questions import Questions
from syncd.limits import LIST_ITEMS_MAX
from syncd.log.memory import MemoryLog
from syncd.log.record import Body, LoggedRecord, decode_record, encode_record
from syncd.model.events import EVENTS
from syncd.projector.folding import fold_records
from syncd.push.entry_of import entry_of
from syncd.push.hub import Hub
from syncd.push.recent import Recent
from syncd.store.memory import MemoryStore
from syncd.store.port import Batch

PLAYLIST = "p:playlist-of-alice-00"
ACCOUNT = "a:alice"
WRITER = "k3v9q2m4ta"


class HandClock:
    """Time that tests turn."""

    def __init__(self) -> None:
        self.s = 1_000.0

    def now_ms(self) -> int:
        return int(self.s * 1_000)

    def monotonic_s(self) -> float:
        return self.s


class Stream:
    """One stream in memory: what is in the log, how much of it is folded, and a gateway's hub over it."""

    def __init__(self, stream: str, owner: str | None = None) -> None:
        self.stream = stream
        self.owner = owner
        self.log = MemoryLog()
        self.store = MemoryStore()
        self.hub = Hub()
        self.recent = self.hub.recent[0] = Recent(position=0, bytes_max=10**6)
        self.changed: list[Guard] = []
        self._seq = 0

    async def append(self, kind: str, data: Any, *, account: str = "alice") -> None:
        """A record in the log, which the tail publishes."""
        self._seq += 1
        body = Body(self._seq, convert(data, EVENTS[kind]), account, "d1", 1)
        record = encode_record(self.stream, WRITER, self._seq, kind, body)
        (appended,) = await self.log.append([record])
        logged = LoggedRecord(0, appended.offset_start, *record)
        self.hub.publish(0, [entry_of(logged, decode_record(logged))], [None])

    async def project(self) -> None:
        """Fold the whole log into the store."""
        lease = await self.store.acquire(0, holder="test", ttl_s=60.0)
        assert lease is not None
        records = await self.log.read(0, 0, limit=2_000)
        folded = fold_records(records)
        rows = (folded.cells, folded.writers, folded.voids, folded.slots, folded.dead_letters)
        await self.store.commit(Batch(lease, self.log.epoch(0), 0, len(records), *rows))

    async def guard(self, *, list_items_max: int = LIST_ITEMS_MAX) -> Guard:
        channel = self.hub.open(self.stream, partition=0, epoch="memory0", generation=0)
        guard = Guard(channel, owner=self.owner, on_roles=self.changed.append, list_items_max=list_items_max)
        questions = Questions(self.log, self.store, MemoryAccounts(HandClock()))
        await guard.load(self.log, self.store, questions, self.hub)
        return guard


def items(count: int, name: str = "items") -> dict[str, Any]:
    return {"list": name, "side": "R", "items": [{"track": "t"}] * count}


lists = pytest.mark.parametrize(("stream", "name"), [(PLAYLIST, "items"), (ACCOUNT, "queue")])


def test_an_account_stream_is_its_accounts_alone() -> None:
    async def story() -> None:
        guard = await Stream(ACCOUNT).guard()
        assert guard.may_write("alice", "settings.changed")
        assert guard.may_subscribe("alice")
        for other in ("bob", "alic", "alicee", "", "a:alice"):
            assert not guard.may_write(other, "settings.changed")
            assert not guard.may_subscribe(other)

    asyncio.run(story())


def test_a_playlist_that_nobody_wrote_to_can_be_listened_to_and_not_yet_written() -> None:
    async def story() -> None:
        guard = await Stream(PLAYLIST).guard()
        assert guard.owner is None
        assert guard.may_subscribe("bob")
        assert not guard.may_write("bob", "list.inserted")

    asyncio.run(story())


@pytest.mark.parametrize("folded", ["nothing", "half", "all"])
def test_roles_come_from_the_store_and_the_tail_together(folded: str) -> None:
    async def story() -> None:
        at = Stream(PLAYLIST, owner="alice")
        await at.append("playlist.member_changed", {"account": "bob", "role": "viewer"})
        await at.append("playlist.member_changed", {"account": "carol", "role": "editor"})
        if folded == "half":
            await at.project()
        await at.append("playlist.member_changed", {"account": "bob", "role": "editor"})
        await at.append("playlist.member_changed", {"account": "carol", "role": None})
        if folded == "all":
            await at.project()
        guard = await at.guard()
        assert guard.may_write("bob", "list.inserted")
        assert not guard.may_write("bob", "playlist.described")
        assert not guard.may_subscribe("carol")
        assert at.changed == []

    asyncio.run(story())


def test_roles_that_change_later_are_told_and_other_events_are_not() -> None:
    async def story() -> None:
        at = Stream(PLAYLIST, owner="alice")
        guard = await at.guard()
        await at.append("list.inserted", items(1))
        assert at.changed == []
        await at.append("playlist.described", {"public": True})
        assert at.changed == [guard]
        assert guard.may_subscribe("bob")
        await at.append("playlist.described", {"public": False})
        assert at.changed == [guard] * 2
        assert not guard.may_subscribe("bob")
        guard.close()
        guard.close()
        await at.append("playlist.described", {"public": True})
        assert at.changed == [guard] * 2
        assert not guard.may_subscribe("bob")

    asyncio.run(story())


def test_who_writes_first_owns_it_here_as_in_the_store() -> None:
    async def story() -> None:
        at = Stream(PLAYLIST)
        guard = await at.guard()
        await at.append("list.inserted", items(1), account="carol")
        assert at.changed == [guard], "whoever waited on it without a right must be told"
        await at.append("list.inserted", items(1), account="bob")
        assert guard.owner == "carol"
        assert guard.may_write("carol", "playlist.described")
        assert not guard.may_subscribe("bob")

    asyncio.run(story())


def test_a_list_holds_20_000_entries_unless_the_deployment_says_otherwise() -> None:
    async def story() -> None:
        at = Stream(PLAYLIST, owner="alice")
        await at.append("list.inserted", items(5))
        assert (await at.guard()).list_room("items") == 19_995
        assert (await at.guard(list_items_max=30_000)).list_room("items") == 29_995

    asyncio.run(story())


@lists
def test_slots_are_counted_by_the_projector_and_the_tail_together(stream: str, name: str) -> None:
    async def story() -> None:
        at = Stream(stream, owner="alice")
        await at.append("list.inserted", items(5, name))
        await at.project()
        await at.append("list.inserted", items(3, name))
        guard = await at.guard(list_items_max=20)
        assert guard.list_room(name) == 12
        await at.append("list.inserted", items(4, name))
        assert guard.list_room(name) == 8
        await at.append("list.inserted", items(9, name))
        assert guard.list_room(name) == 0

    asyncio.run(story())


@lists
def test_a_list_that_looks_full_is_counted_exactly_but_not_all_the_time(
    stream: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "ITEMS_MAX", 5)

    async def story() -> None:
        at, clock = Stream(stream, owner="alice"), HandClock()
        guard = await at.guard(list_items_max=20)
        await at.append("list.inserted", items(15, name))
        assert not guard.must_recount(clock.s)
        await at.append("list.inserted", items(4, name))
        assert guard.must_recount(clock.s)
        await at.append("list.removed", {"list": name, "ids": [f"{WRITER}.1.{k}" for k in range(2)]})
        await guard.recount(at.log, at.store, clock)
        assert guard.list_room(name) == 3
        await at.append("list.removed", {"list": name, "ids": [f"{WRITER}.1.2"]})
        assert guard.list_room(name) == 4, "what goes makes room at once, once the items were counted"
        await at.append("list.inserted", items(1, name))
        assert guard.list_room(name) == 3
        assert not guard.must_recount(clock.s + guards.RECOUNT_S)
        assert guard.must_recount(clock.s + guards.RECOUNT_S + 0.1)

    asyncio.run(story())

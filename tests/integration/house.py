"""The parts of a deployment that operations work on, in memory or on Postgres, and the means to fill them.

    async with opened_house(dsn) as house:
        phone = await house.device("alice", "phone")
        await house.emit(phone, "settings.changed", {"theme": "dark"})
        await house.project()

Nothing here is a server: `emit` appends as a gateway does after admission, `project` commits as a projector does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from syncd.accounts import Accounts, LinkedDevice
from syncd.accounts.memory import MemoryAccounts
from syncd.accounts.service import PostgresAccounts
from syncd.errors import NotFound
from syncd.log.memory import MemoryLog
from syncd.log.port import SearchableLog
from syncd.log.postgres import PostgresLog
from syncd.log.record import Body, Record, encode_record
from syncd.model.events import EVENTS
from syncd.model.ids import event_id
from syncd.model.stamp import HybridClock
from syncd.operations.devices import link_device
from syncd.operations.state import account_state
from syncd.projector.folding import fold_records
from syncd.store.memory import MemoryStore
from syncd.store.port import Batch, SideChannel, Store
from syncd.store.postgres import PostgresStore
from syncd.store.side_channel import MemorySideChannel

START_MS = 1_763_870_000_000
PLAYLIST = "p:playlist-of-alice-00"


class HandClock:
    """Time that tests turn."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.ms / 1_000


@dataclass
class House:
    """`seqs`: per (writer, stream), the last one used. A device's writer is made of its id."""

    log: SearchableLog
    store: Store
    accounts: Accounts
    side_channel: SideChannel = field(default_factory=MemorySideChannel)
    clock: HandClock = field(default_factory=HandClock)
    hybrid: HybridClock = field(default_factory=HybridClock)
    seqs: dict[tuple[str, str], int] = field(default_factory=dict)

    async def device(self, account: str, name: str) -> LinkedDevice:
        """A linked device; its account is made when nobody has that name."""
        try:
            found = await self.accounts.find(account)
        except NotFound:
            found = await self.accounts.create(account)
        return await link_device(self.accounts, self.log, self.clock, found.account, name=name)

    async def emit(
        self, device: LinkedDevice, kind: str, data: dict[str, Any], *, stream: str | None = None, t: int | None = None
    ) -> str:
        """Append an event; its id. `stream` is the account's when not given, `t` the next of one clock for all."""
        stream = stream or f"a:{device.account}"
        writer = device.device[:10]
        seq = self.seqs[writer, stream] = self.seqs.get((writer, stream), 0) + 1
        t = self.hybrid.tick(self.clock.ms) if t is None else t
        typed = msgspec.convert(data, EVENTS[kind]) if kind in EVENTS else data
        body = Body(t=t, data=typed, account=device.account, device=device.device, admitted_ms=self.clock.ms)
        await self.append(encode_record(stream, writer, seq, kind, body))
        if stream.startswith("p:"):
            await self.store.claim_stream(stream, owner=device.account)
        return event_id(writer, seq)

    async def append(self, record: Record) -> None:
        (appended,) = await self.log.append([record])
        assert appended.outcome == "written", appended.reason

    async def project(self, *, batch: int = 2_000) -> None:
        """Fold all there is into the store."""
        for partition in range(self.log.partitions):
            lease = await self.store.acquire(partition, holder="test", ttl_s=60.0)
            assert lease is not None
            offset = (await self.store.checkpoint(partition)).offset_next
            while records := await self.log.read(partition, offset, limit=batch):
                folded = fold_records(records)
                end = records[-1].offset + 1
                rows = (folded.cells, folded.writers, folded.voids, folded.slots, folded.dead_letters)
                await self.store.commit(Batch(lease, self.log.epoch(partition), offset, end, *rows))
                offset = end
            await self.store.release(lease)


Story = Callable[[House], Awaitable[None]]
Tell = Callable[[Story], None]
"""The fixture `tell` runs a story in an empty house."""


async def state_of(house: House, device: LinkedDevice, **more: Any) -> dict[str, Any]:
    """All views of a device's account."""
    return await account_state(house.log, house.store, device.account, house.clock.ms, **more)


async def lived_in(house: House) -> LinkedDevice:
    """An account with something of everything: X plays on the phone since 20 s ago, one of three in the queue is gone,
    two playlists of which one is deleted."""
    phone = await house.device("alice", "phone")
    items = [{"track": "t1"}, {"track": "t2"}, {"track": "t3"}]
    queued = await house.emit(phone, "list.inserted", {"list": "queue", "side": "R", "items": items})
    await house.emit(phone, "list.removed", {"list": "queue", "ids": [f"{queued}.1"]})
    start = {
        "device": phone.device,
        "item": {"from": "context", "id": "x", "track": "track:x", "duration_ms": 180_000},
        "follows": [],
        "position_ms": 5_000,
        "playing": True,
        "speed_permille": 1_000,
    }
    await house.emit(phone, "playback.started", start)
    await house.emit(phone, "settings.changed", {"theme": "dark", "phone/volume": 3})
    await house.emit(phone, "library.changed", {"set": "tracks", "ids": ["t9", "t8"], "value": True})
    await house.emit(phone, "library.changed", {"set": "tracks", "ids": ["t8"], "value": False})
    listened = {"episode": "e1", "position_ms": 60_000, "duration_ms": 90_000, "through": "0" * 21}
    await house.emit(phone, "progress.listened", listened)
    played = {"play": "h1", "track": "t1", "started_ms": START_MS - 9, "listened_ms": 7_000}
    await house.emit(phone, "history.played", played)
    for stream, name, deleted in ((PLAYLIST, "Mornings", False), ("p:playlist-of-alice-01", "Gone", True)):
        await house.emit(phone, "library.changed", {"set": "playlists", "ids": [stream[2:]], "value": True})
        described = {"name": name, "deleted": deleted}
        await house.emit(phone, "playlist.described", described, stream=stream)
    items = [{"track": "p1"}]
    await house.emit(phone, "list.inserted", {"list": "items", "side": "R", "items": items}, stream=PLAYLIST)
    house.clock.ms += 20_000
    return phone


@asynccontextmanager
async def opened_house(dsn: str | None, *, partitions: int = 1) -> AsyncIterator[House]:
    """A house on this database, or in memory when None."""
    clock = HandClock()
    if dsn is None:
        yield House(MemoryLog(partitions), MemoryStore(clock), MemoryAccounts(clock), clock=clock)
        return
    async with AsyncExitStack() as stack:
        log = await PostgresLog.open(dsn, partitions=partitions)
        stack.push_async_callback(log.close)
        store = await PostgresStore.open(dsn)
        stack.push_async_callback(store.close)
        accounts = await PostgresAccounts.open(dsn, clock)
        stack.push_async_callback(accounts.close)
        yield House(log, store, accounts, clock=clock)

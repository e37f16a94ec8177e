"""All adapters of the store, driven side by side by hypothesis: every answer must be the same everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import pytest
from adapters_under_test import databases
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from syncd.errors import FencedOut
from syncd.store.memory import MemoryStore
from syncd.store.port import (
    Batch,
    CellRow,
    DeadLetterRow,
    Lease,
    LetterFilter,
    LetterPosition,
    SlotsRow,
    Store,
    VoidRow,
    WriterIdentity,
    WriterRow,
)
from syncd.store.postgres import PostgresStore
from syncd.testing.postgres import Version, installed_versions

STREAMS: Final = ["a:1", "a:2", "p:x"]
WRITERS: Final = ["wwwwwwwwww", "xxxxxxxxxx"]
PARTITIONS: Final = [0, 1]
OVER_S: Final = 0.0
"""A lease that is over as soon as it is given: expiry without waiting, the same by every clock."""
LONG_S: Final = 600.0

streams = st.sampled_from(STREAMS)
writers = st.sampled_from(WRITERS)
partitions = st.sampled_from(PARTITIONS)
ttls = st.sampled_from([OVER_S, LONG_S])
offsets = st.integers(0, 30)
seqs = st.integers(1, 4)
# Ranks and keys whose order depends on comparing bytes.
keys = st.sampled_from(["a", "B", "a/b", "é", "\U0001f3b9", "_"])
ranks = st.sampled_from(["0", "9", "A", "a", "aa"])
values = st.sampled_from([b"1", b"Z", b"a", b'"\xc3\xa9"'])
bodies = values | st.sampled_from([b"", b"\xff"])


def first_of_each(key: Callable[[Any], object]) -> Callable[[list[Any]], list[Any]]:
    """Rows of a batch are unique by their keys."""
    return lambda rows: list({key(row): row for row in rows}.values())


cell_rows = st.lists(st.builds(CellRow, streams, keys, ranks, values, offsets), max_size=6).map(
    first_of_each(lambda row: (row.stream, row.key))
)
writer_rows = st.lists(
    st.builds(WriterRow, writers, streams, seqs, st.integers(1, 99), st.integers(-1, 9)), max_size=3
).map(first_of_each(lambda row: (row.writer, row.stream)))
void_rows = st.lists(st.builds(VoidRow, writers, streams, seqs, st.sampled_from(["limit", "orphan"])), max_size=2).map(
    first_of_each(lambda row: row[:3])
)
slots_rows = st.lists(
    st.builds(SlotsRow, streams, st.sampled_from(["queue", "items"]), st.integers(0, 500)), max_size=2
).map(first_of_each(lambda row: row[:2]))
dead_letter_rows = st.lists(
    st.builds(DeadLetterRow, st.just(0), offsets, streams, writers, seqs, st.just("k"), st.just(1), bodies, st.text()
              .filter(lambda text: "\0" not in text and text.isprintable())),
    max_size=1,
)  # fmt: skip


@dataclass(frozen=True)
class Wrong:
    """How far a commit is off: nothing, mostly."""

    offset: int = 0
    term: int = 0
    epoch: bool = False


wrongs = st.just(Wrong()) | st.builds(Wrong, st.integers(-1, 1), st.integers(-1, 1), st.booleans())

Ask = Callable[[Store], Coroutine[Any, Any, object]]


class SideBySide(RuleBasedStateMachine):
    """One store in memory and one in each Postgres; `dsns` is set by the test that runs it."""

    dsns: Mapping[str, str] = {}

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stores: dict[str, Store] = {}
        # Every lease ever given, the newest of each partition last: old ones go on trying.
        self.leases: dict[int, list[Lease]] = {partition: [Lease(partition, "nobody", 0)] for partition in PARTITIONS}
        self.epochs = dict.fromkeys(PARTITIONS, "e1")

    @initialize()
    def open(self) -> None:
        async def opened() -> None:
            self.stores["memory"] = MemoryStore()
            for name, dsn in self.dsns.items():
                await _empty(dsn)
                self.stores[name] = await PostgresStore.open(dsn, connections=1)

        self.runner.run(opened())

    def teardown(self) -> None:
        async def closed() -> None:
            for store in self.stores.values():
                await store.close()

        self.runner.run(closed())
        self.runner.close()

    def ask(self, ask: Ask) -> Any:
        """The answer of all; being fenced out is an answer too, down to its text."""

        async def asked() -> dict[str, object]:
            return dict(zip(self.stores, await asyncio.gather(*map(answer, self.stores.values())), strict=True))

        async def answer(store: Store) -> object:
            try:
                return await ask(store)
            except FencedOut as error:
                return FencedOut, str(error)

        answers = self.runner.run(asked())
        first, *others = answers.values()
        assert all(other == first for other in others), answers
        return first

    @rule(partition=partitions, holder=st.sampled_from(["one", "two"]), ttl_s=ttls)
    def acquire(self, partition: int, holder: str, ttl_s: float) -> None:
        lease = self.ask(lambda store: store.acquire(partition, holder=holder, ttl_s=ttl_s))
        if lease is not None:
            assert lease.term == self.leases[partition][-1].term + 1
            self.leases[partition].append(lease)

    @rule(partition=partitions, back=st.integers(1, 2), ttl_s=ttls)
    def renew(self, partition: int, back: int, ttl_s: float) -> None:
        lease = self.leases[partition][-back:][0]
        renewed = self.ask(lambda store: store.renew(lease, ttl_s=ttl_s))
        assert not (renewed and lease is not self.leases[partition][-1])

    @rule(partition=partitions, back=st.integers(1, 2))
    def release(self, partition: int, back: int) -> None:
        lease = self.leases[partition][-back:][0]
        self.ask(lambda store: store.release(lease))

    @rule(
        partition=partitions, back=st.sampled_from([1, 1, 1, 2]), wrong=wrongs, step=st.integers(0, 5),
        cells=cell_rows, writers=writer_rows, voids=void_rows, slots=slots_rows, dead_letters=dead_letter_rows,
        gently=st.booleans(),
    )  # fmt: skip
    def commit(
        self, partition: int, back: int, wrong: Wrong, step: int, cells: list[CellRow], writers: list[WriterRow],
        voids: list[VoidRow], slots: list[SlotsRow], dead_letters: list[DeadLetterRow], gently: bool,
    ) -> None:  # fmt: skip
        at = self.ask(lambda store: store.checkpoint(partition)).offset_next + wrong.offset
        lease = self.leases[partition][-back:][0]
        lease = Lease(partition, lease.holder, lease.term + wrong.term)
        epoch = "other" if wrong.epoch else self.epochs[partition]
        batch = Batch(lease, epoch, at, at + step, cells, writers, voids, slots, dead_letters)
        answer = self.ask(lambda store: store.commit(batch, gently=gently))
        if lease.term != self.leases[partition][-1].term or wrong.offset:
            assert isinstance(answer, tuple), "a wrong term or offset is fenced out"
        elif isinstance(answer, int):
            self.epochs[partition] = epoch

    @rule(partition=partitions, back=st.sampled_from([1, 1, 2]), epoch=st.sampled_from(["e1", "e2"]), at=offsets)
    def begin_epoch(self, partition: int, back: int, epoch: str, at: int) -> None:
        lease = self.leases[partition][-back:][0]
        if self.ask(lambda store: store.begin_epoch(lease, epoch=epoch, offset_next=at)) is None:
            self.epochs[partition] = epoch

    @rule(stream=streams, partition=partitions, from_offset=st.integers(-1, 31))
    def cells(self, stream: str, partition: int, from_offset: int) -> None:
        async def answer(store: Store) -> object:
            state = await store.cells(stream, partition, from_offset=from_offset)
            return state.checkpoint, state.generation, list(state.cells)

        self.ask(answer)

    @rule(stream=streams, partition=partitions, prefixes=st.sampled_from([[], ["a"], ["a/", "B"], ["_", "a"]]))
    def cells_under(self, stream: str, partition: int, prefixes: list[str]) -> None:
        async def answer(store: Store) -> object:
            state = await store.cells_under(stream, partition, prefixes=prefixes)
            return state.checkpoint, list(state.cells)

        self.ask(answer)

    @rule(asked=st.lists(streams))
    def streams_known(self, asked: list[str]) -> None:
        self.ask(lambda store: store.streams(asked))

    @rule(asked=st.lists(streams))
    def slots(self, asked: list[str]) -> None:
        self.ask(lambda store: store.slots(asked))

    @rule(asked=st.none() | st.lists(streams), part=st.sampled_from([None, "", "a"]), limit=st.integers(1, 3))
    def dead_letters(self, asked: list[str] | None, part: str | None, limit: int) -> None:
        async def answer(store: Store) -> object:
            filter_ = LetterFilter(streams=asked, reason=part)
            page = list(await store.dead_letters(filter_, after=None, limit=limit))
            after = page[-1].position if page else None
            return page, list(await store.dead_letters(filter_, after=after, limit=limit))

        self.ask(answer)

    @rule(offset=offsets, epoch=st.sampled_from(["e1", "other"]), drops=st.booleans())
    def dead_letter(self, offset: int, epoch: str, drops: bool) -> None:
        at = LetterPosition(0, epoch, offset)
        self.ask(lambda store: store.dead_letter(at))
        if drops:
            self.ask(lambda store: store.drop_dead_letter(at))

    @rule(asked=st.lists(writers))
    def writers_known(self, asked: list[str]) -> None:
        self.ask(lambda store: store.writers(asked))

    @rule(asked=st.lists(writers, unique=True), account=st.sampled_from(["one", "two"]))
    def register_writers(self, asked: list[str], account: str) -> None:
        self.ask(lambda store: store.register_writers([WriterIdentity(each, account, "d", account) for each in asked]))

    @rule(asked=st.lists(streams, unique=True), partition=partitions)
    def counts(self, asked: list[str], partition: int) -> None:
        self.ask(lambda store: store.counts(asked, partition))

    @rule(stream=streams, owner=st.sampled_from(["one", "two"]))
    def claim_stream(self, stream: str, owner: str) -> None:
        self.ask(lambda store: store.claim_stream(stream, owner=owner))
        self.ask(lambda store: store.streams_owned(owner))


async def _empty(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "truncate cells, checkpoints, leases, streams, writer_ids, writers, voids, dead_letters, list_slots"
        )
    finally:
        await connection.close()


@pytest.mark.timeout(600)
def test_all_adapters_answer_alike(postgres_servers: Callable[[Version], str]) -> None:
    with databases(postgres_servers, installed_versions()) as dsns:
        run_state_machine_as_test(type("Machine", (SideBySide,), {"dsns": dsns}))

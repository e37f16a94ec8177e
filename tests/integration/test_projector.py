"""The projector on the real log and store: fenced by its lease, stopped by nothing, equal after every restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from inspect import signature
from typing import Any

import pytest
from house import House, opened_house

from syncd.errors import FencedOut, Poison, StoreUnavailable
from syncd.log.record import Record, decode_record
from syncd.metrics import Metrics
from syncd.model.cells import Cells, digest, fold
from syncd.model.lowering import lower
from syncd.postgres.connection import connect, hang_up
from syncd.projector.folding import fold_records
from syncd.projector.projector import Projector
from syncd.push.state import current_state
from syncd.store.port import Batch, DeadLetterRow, Lease, WriterIdentity
from syncd.testing.beside import beside
from syncd.testing.patience import eventually

LONG_S = 600.0
"""Of a lease that does not run out by itself."""
STORY_S = 150.0


def on_postgres(story: Callable[..., Coroutine[Any, Any, None]]) -> Callable[[str], None]:
    """A test told as a coroutine, in an empty house on Postgres; one with two arguments gets the database's too."""

    def test(postgres_dsn: str) -> None:
        async def told() -> None:
            async with asyncio.timeout(STORY_S), opened_house(postgres_dsn) as house:
                await story(*(house, postgres_dsn)[: len(signature(story).parameters)])

        asyncio.run(told())

    test.__name__, test.__doc__ = story.__name__, story.__doc__
    return test


@asynccontextmanager
async def projecting(house: House, *, lease_ttl_s: float = LONG_S, store: Any = None) -> AsyncIterator[Metrics]:
    """A projector at work; cancelled at the end, as when its process is told to stop."""
    metrics = Metrics()
    projector = Projector(house.log, store or house.store, house.clock, metrics, lease_ttl_s=lease_ttl_s)
    async with beside(projector.run()):
        yield metrics


async def folded(house: House) -> None:
    """Wait until the store has everything that the log has."""
    end = await house.log.end(0)

    async def is_there() -> bool:
        return (await house.store.checkpoint(0)).offset_next >= end

    await eventually(is_there)


async def lived(house: House, count: int = 40) -> str:
    """Some events; the account's stream."""
    phone = await house.device("alice", "phone")
    for n in range(count):
        await house.emit(phone, "settings.changed", {f"k{n % 7}": n})
    return f"a:{phone.account}"


async def stored(house: House, stream: str) -> str:
    """The digest of the store's cells alone."""
    state = await current_state(house.log, house.store, stream)
    assert (await house.store.checkpoint(0)).offset_next == await house.log.end(0)
    return digest(state.cells)


async def refolded(house: House, stream: str) -> str:
    """The digest of a fold of the whole log."""
    records = await house.log.read(0, 0, limit=2_000)
    cells: Cells = {}
    for record in records:
        if record.stream == stream:
            with suppress(Poison):
                fold(cells, lower(decode_record(record).event))
    return digest(cells)


async def acquired(house: House, holder: str) -> Lease:
    """The lease, as soon as it is free."""
    lease = await eventually(lambda: house.store.acquire(0, holder=holder, ttl_s=LONG_S))
    assert lease is not None
    return lease


async def let_leases_run_out(dsn: str) -> None:
    """As if their time had passed, however slow this machine is."""
    async with back_door(dsn) as execute:
        await execute("update leases set expires_at = now() - interval '1 s'")


async def batch_of(house: House, lease: Lease) -> Batch:
    """Everything from the checkpoint to the end, as a projector would commit it."""
    offset = (await house.store.checkpoint(0)).offset_next
    records = await house.log.read(0, offset, limit=2_000)
    all_ = fold_records(records)
    rows = (all_.cells, all_.writers, all_.voids, all_.slots, all_.dead_letters)
    return Batch(lease, house.log.epoch(0), offset, records[-1].offset + 1, *rows)


@on_postgres
async def test_it_folds_the_log_and_follows_what_comes(house: House) -> None:
    stream = await lived(house)
    async with projecting(house) as metrics:
        await folded(house)
        await lived(house)
        await folded(house)
        assert await stored(house, stream) == await refolded(house, stream)
        assert metrics.projected_records == await house.log.end(0)
        assert metrics.leases == 1


@on_postgres
async def test_a_stop_releases_the_lease_for_the_next(house: House) -> None:
    async with projecting(house):
        await lived(house)
        await folded(house)
    async with projecting(house):
        await lived(house)
        await folded(house)


@on_postgres
async def test_killed_and_started_again_it_ends_equal(house: House, dsn: str) -> None:
    """Killed before and after commits: what a killed one leaves is a lease that must expire."""
    stream = await lived(house)
    for part in range(3):
        lease = await acquired(house, "killed")
        if part:
            await house.store.commit(await batch_of(house, lease))
        await let_leases_run_out(dsn)
        await lived(house, 10)
    async with projecting(house):
        await folded(house)
    assert await stored(house, stream) == await refolded(house, stream)


@on_postgres
async def test_of_two_projectors_one_folds_and_the_other_takes_over(house: House) -> None:
    stream = await lived(house)
    async with projecting(house) as first:
        await folded(house)
        async with projecting(house) as second:
            await lived(house)
            await folded(house)
            assert (first.leases, second.leases) == (1, 0)
            assert second.projected_records == 0
    before = await house.log.end(0)
    async with projecting(house) as third:
        await lived(house)
        await folded(house)
        assert third.projected_records == await house.log.end(0) - before
    assert await stored(house, stream) == await refolded(house, stream)


@on_postgres
async def test_a_frozen_one_cannot_commit_after_another_took_its_lease(house: House, dsn: str) -> None:
    """SIGSTOP as the store sees it: a holder that neither renews nor releases, and then goes on."""
    await lived(house)
    frozen = await acquired(house, "frozen")
    late = await batch_of(house, frozen)
    await let_leases_run_out(dsn)
    async with projecting(house):
        await folded(house)
        before = await house.store.checkpoint(0)
        with pytest.raises(FencedOut):
            await house.store.commit(late)
        assert not await house.store.renew(frozen, ttl_s=LONG_S)
        assert await house.store.checkpoint(0) == before
        await house.store.release(frozen)  # harmless: it was lost
        await lived(house)
        await folded(house)


@on_postgres
async def test_the_fence_holds_without_the_offset_as_well(house: House, dsn: str) -> None:
    """Layers hide each other: here the frozen one's offset is right, and only its term is not."""
    await lived(house)
    frozen = await acquired(house, "frozen")
    await let_leases_run_out(dsn)
    newer = await acquired(house, "newer")
    assert newer.term == frozen.term + 1
    with pytest.raises(FencedOut):
        await house.store.commit(await batch_of(house, frozen))
    assert (await house.store.checkpoint(0)).offset_next == 0
    await house.store.commit(await batch_of(house, newer))


@on_postgres
async def test_a_projector_that_loses_its_lease_drops_the_partition_and_asks_again(house: House, dsn: str) -> None:
    async with projecting(house) as metrics:
        await lived(house)
        await folded(house)
        await let_leases_run_out(dsn)  # as after a freeze
        thief = await acquired(house, "thief")
        before = await house.store.checkpoint(0)
        await lived(house)
        await eventually(lambda: is_true(lambda: metrics.leases_lost == 1))
        assert await house.store.checkpoint(0) == before
        await house.store.release(thief)
        await folded(house)
        assert metrics.leases == 1


@on_postgres
async def test_a_projector_with_nothing_to_fold_notices_that_its_lease_is_gone(house: House, dsn: str) -> None:
    async with projecting(house, lease_ttl_s=1.0) as metrics:  # renewed four times as often
        await lived(house)
        await folded(house)
        lost = metrics.leases_lost  # a slow machine may have come too late already
        await let_leases_run_out(dsn)
        await acquired(house, "thief")
        await eventually(lambda: is_true(lambda: metrics.leases_lost > lost))


async def is_true(what: Callable[[], bool]) -> bool:
    return what()


@asynccontextmanager
async def back_door(dsn: str) -> AsyncIterator[Callable[..., Coroutine[Any, Any, Any]]]:
    """SQL behind the store's back."""
    connection = await connect(dsn)
    try:
        yield connection.execute
    finally:
        await hang_up(connection)


@on_postgres
async def test_state_and_checkpoint_are_committed_together_or_not_at_all(house: House) -> None:
    await lived(house)
    lease = await acquired(house, "torn")
    batch = await batch_of(house, lease)
    torn = Batch(lease, batch.epoch, batch.offset_old, batch.offset_new, batch.cells, batch.writers, batch.voids,
                 batch.slots, [letter_that_breaks()])  # fmt: skip
    with pytest.raises((ValueError, StoreUnavailable, TypeError)):
        await house.store.commit(torn)
    state = await house.store.cells(batch.cells[0].stream, 0)
    assert (state.checkpoint.offset_next, list(state.cells)) == (0, [])
    await house.store.commit(batch)


def letter_that_breaks() -> DeadLetterRow:
    return DeadLetterRow(0, 2**70, "a:x", "w", 1, "k", 1, b"", "an offset that no column holds")


@on_postgres
async def test_records_that_cannot_be_folded_are_set_aside_and_the_rest_goes_on(house: House, dsn: str) -> None:
    stream = await lived(house, 5)
    whole = b'{"t":1,"data":{"no":1},"account":"a","device":"d","admitted_ms":1}'
    bad = [
        Record(stream, "badbadbad0", 1, "settings.changed", 1, b"{"),
        Record(stream, "badbadbad0", 2, "settings.changed", 1, b'{"t": "x"}'),
        Record(stream, "badbadbad0", 3, "settings.changed", 999, whole),
        Record(stream, "badbadbad0", 4, "list.inserted", 1, whole),
    ]
    for record in bad:
        await house.append(record)
    await house.append(Record(stream, "badbadbad0", 5, "not.yet.known", 1, whole))
    await lived(house, 5)
    async with projecting(house) as metrics:
        await folded(house)
        assert metrics.dead_letters == len(bad)
        assert metrics.unknown_kinds == 1
        assert await stored(house, stream) == await refolded(house, stream)
        assert digest((await current_state(house.log, house.store, stream)).cells) == await stored(house, stream)
        known = (await house.store.cells(stream, 0)).cells
        assert {row.key for row in known} >= {"settings/k0", "settings/k4"}
        async with back_door(dsn) as execute:
            assert await execute("select from dead_letters where reason <> ''") == f"SELECT {len(bad)}"


@on_postgres
async def test_the_seqs_of_dead_letters_and_voids_count(house: House) -> None:
    """Or their writer would be told of a gap for ever."""
    stream = await lived(house, 1)
    await house.append(Record(stream, "badbadbad0", 7, "settings.changed", 1, b"{"))
    await house.store.register_writers([WriterIdentity("badbadbad0", "a", "d", "n")])
    async with projecting(house):
        await folded(house)
    assert (await house.store.writers(["badbadbad0"]))["badbadbad0"].progress[stream][0] == 7


@on_postgres
async def test_while_the_store_is_away_it_waits_and_then_goes_on(house: House) -> None:
    class AwayStore:
        """The real store, which fails some commits after they happened and some before."""

        def __init__(self) -> None:
            self.fates = ["before", "after", "before"]

        def __getattr__(self, name: str) -> Any:
            return getattr(house.store, name)

        async def commit(self, batch: Batch, *, gently: bool = False) -> int:
            fate = self.fates.pop() if self.fates else "none"
            if fate == "before":
                raise StoreUnavailable("away")
            changed = await house.store.commit(batch)
            if fate == "after":
                raise StoreUnavailable("no answer")
            return changed

    away = AwayStore()
    stream = await lived(house)
    async with projecting(house, store=away):
        for _ in range(4):
            await lived(house, 3)
            await folded(house)
        assert not away.fates
    assert await stored(house, stream) == await refolded(house, stream)


@on_postgres
async def test_in_step_it_commits_a_little_at_a_time_and_behind_it_hurries(house: House) -> None:
    sizes: list[tuple[int, bool]] = []

    class Noting:
        """The real store, and how much was committed at once, and how."""

        def __getattr__(self, name: str) -> Any:
            return getattr(house.store, name)

        async def commit(self, batch: Batch, *, gently: bool = False) -> int:
            sizes.append((batch.offset_new - batch.offset_old, gently))
            return await house.store.commit(batch, gently=gently)

    records = [Record("a:alice", "phone00000", seq, "not.known", 1, b"{}") for seq in range(1, 951)]
    await house.log.append(records[:250])
    async with projecting(house, store=Noting()):
        await folded(house)
        assert sizes == [(100, True), (100, True), (50, True)]
    await house.log.append(records[250:])
    async with projecting(house, store=Noting()):
        await folded(house)
    assert sizes[3:] == [(700, False)]

"""The exam of rebuilds: every adapter sits it. Source: syncd/store/rebuild_port.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

import pytest
from adapters_under_test import InMemory, OnPostgres, UnderTest

from syncd.errors import Conflict
from syncd.model.canonical import from_canonical
from syncd.model.cells import Cell, digest
from syncd.store.memory import MemoryStore
from syncd.store.port import Batch, CellRow, Lease, Store
from syncd.store.postgres import PostgresStore
from syncd.store.rebuild_port import EVERYTHING, Rebuilding, RebuildStore, Run, StreamDifference
from syncd.testing.patience import PATIENCE_S


class BothPorts(Store, RebuildStore, Protocol):
    """What the adapters are."""


Story = Callable[[BothPorts], Coroutine[Any, Any, None]]
StoreUnderTest = UnderTest[BothPorts]

LONG_S = 600.0
RUN = Run(EVERYTHING, "p1", {0: "e1", 1: "e1"})


@pytest.fixture
def store_under_test(adapter_dsn: str | None) -> StoreUnderTest:
    return InMemory(MemoryStore()) if adapter_dsn is None else OnPostgres(adapter_dsn, PostgresStore.open)


def tell(store_under_test: StoreUnderTest, story: Story) -> None:
    async def opened() -> None:
        async with asyncio.timeout(LONG_S), store_under_test.open() as store:
            await story(store)

    asyncio.run(opened())


def cell(key: str, rank: str, value: bytes = b"1", *, stream: str = "a:1", log_offset: int = 0) -> CellRow:
    return CellRow(stream, key, rank, value, log_offset)


async def leased(store: Store) -> Lease:
    lease = await store.acquire(0, holder="me", ttl_s=LONG_S)
    assert lease is not None
    return lease


async def live(store: Store, *cells: CellRow, offset_new: int = 10) -> Lease:
    """Cells as a projector has folded them; its lease."""
    lease = await leased(store)
    await store.commit(Batch(lease, "e1", 0, offset_new, cells))
    return lease


async def rows(store: Store, stream: str = "a:1") -> list[tuple[str, str, bytes, int]]:
    return [(row.key, row.rank, row.value, row.log_offset) for row in (await store.cells(stream, 0)).cells]


async def differences(right: Rebuilding, *streams: str, run: Run = RUN) -> Mapping[str, StreamDifference]:
    async with right.swap(run, 0) as swap:
        return {found.stream: found for found in await swap.differences(run, streams)}


def test_one_process_rebuilds_at_a_time(store_under_test: StoreUnderTest) -> None:
    async def story(store: BothPorts) -> None:
        async with store_under_test.open() as other:
            async with store.rebuilding():
                with pytest.raises(Conflict, match="another rebuild"):
                    async with other.rebuilding():
                        pass
            async with other.rebuilding():
                pass

    tell(store_under_test, story)


def test_a_run_goes_on_where_it_was_left_unless_something_has_changed(store_under_test: StoreUnderTest) -> None:
    async def story(store: BothPorts) -> None:
        async with store.rebuilding() as right:
            assert await right.begin(RUN) == {0: 0, 1: 0}
            await right.stage(RUN, 0, 7, [cell("k", "1")])
            await right.stage(RUN, 1, 3, [])
        async with store.rebuilding() as right:
            assert await right.begin(RUN) == {0: 7, 1: 3}
            assert (await right.candidates(RUN, after="", cells_max=10))[0] == ["a:1"]
        for other in (Run(EVERYTHING, "p2", RUN.epochs), Run(EVERYTHING, "p2", {0: "e2", 1: "e1"}), RUN):
            async with store.rebuilding() as right:
                assert await right.begin(other) == {0: 0, 1: 0}
                assert await right.candidates(other, after="", cells_max=10) == ([], None)
                await right.stage(other, 0, 5, [cell("k", "1")])
        async with store.rebuilding() as right:
            await right.discard(EVERYTHING)
            assert await right.begin(RUN) == {0: 0, 1: 0}

    tell(store_under_test, story)


def test_runs_of_streams_keep_to_themselves(store_under_test: StoreUnderTest) -> None:
    one, two = Run("a:1", "p", {0: "e1"}), Run("a:2", "p", {0: "e1"})

    async def story(store: BothPorts) -> None:
        async with store.rebuilding() as right:
            await right.begin(one)
            await right.begin(two)
            await right.stage(one, 0, 4, [cell("k", "1")])
            await right.stage(two, 0, 5, [cell("k", "2", stream="a:2")])
            await right.discard("a:1")
            assert await right.begin(two) == {0: 5}
            assert await right.begin(one) == {0: 0}
            assert set(await differences(right, "a:1", "a:2", run=two)) == {"a:2"}

    tell(store_under_test, story)


def test_staged_cells_join_as_live_ones_do(store_under_test: StoreUnderTest) -> None:
    async def story(store: BothPorts) -> None:
        async with store.rebuilding() as right:
            await right.begin(RUN)
            for written in ([cell("a", "2", b"1"), cell("b", "1", b"1")], [cell("a", "1", b"9"), cell("b", "1", b"2")]):
                await right.stage(RUN, 0, 1, written)
            await live(store, cell("a", "2", b"1"), cell("b", "1", b"2"))
            assert await differences(right, "a:1") == {}
            assert await rows(store) == [("a", "2", b"1", 0), ("b", "1", b"2", 0)]

    tell(store_under_test, story)


def test_what_differs_is_told_stream_by_stream(store_under_test: StoreUnderTest) -> None:
    both = [cell("same", "1")]
    kept = [*both, cell("new", "5"), cell("up", "7", b"2"), cell("down", "1", b"2")]
    held = [*both, cell("gone", "5"), cell("up", "6", b"9"), cell("down", "1", b"3")]
    only_live, only_staged = cell("k", "1", stream="a:live"), cell("k", "1", stream="a:staged")

    async def story(store: BothPorts) -> None:
        await live(store, *held, only_live, cell("k", "1", stream="a:equal"))
        async with store.rebuilding() as right:
            await right.begin(RUN)
            await right.stage(RUN, 0, 10, [*kept, only_staged, cell("k", "1", stream="a:equal")])
            assert await right.candidates(RUN, after="", cells_max=99) == (["a:1", "a:live", "a:staged"], None)
            found = await differences(right, "a:1", "a:live", "a:staged", "a:equal", "a:nobody")
            assert list(found) == ["a:1", "a:live", "a:staged"]
            assert found["a:1"] == StreamDifference(
                "a:1", missing=1, extra=1, different=2, falls=True, live_digest=digest_of(held),
                staged_digest=digest_of(kept), keys=["down", "gone", "new", "up"],
            )  # fmt: skip
            assert (found["a:live"].extra, found["a:live"].falls) == (1, True)
            assert (found["a:staged"].missing, found["a:staged"].falls) == (1, False)
            assert found["a:staged"].live_digest == "0" * 16

    tell(store_under_test, story)


def digest_of(cells: list[CellRow]) -> str:
    return digest({row.key: Cell(row.rank, from_canonical(row.value)) for row in cells})


def test_candidates_come_in_pages_and_none_is_missed(store_under_test: StoreUnderTest) -> None:
    streams = [f"a:{n:03}" for n in range(60)]

    async def story(store: BothPorts) -> None:
        await live(store, *[cell(f"k{n}", "1", stream=stream) for stream in streams[::2] for n in range(3)])
        async with store.rebuilding() as right:
            await right.begin(RUN)
            await right.stage(RUN, 0, 1, [cell("k1", "2", stream=stream) for stream in streams[::3]])
            found: list[str] = []
            after: str | None = ""
            while after is not None:
                page, after = await right.candidates(RUN, after=after, cells_max=10)
                found += page
            assert found == sorted({*streams[::2], *streams[::3]})

    tell(store_under_test, story)


def test_a_swap_changes_what_differs_and_nothing_else(store_under_test: StoreUnderTest) -> None:
    async def story(store: BothPorts) -> None:
        await live(store, cell("same", "1", log_offset=3), cell("gone", "5"), cell("down", "9"))
        async with store.rebuilding() as right:
            await right.begin(RUN)
            await right.stage(RUN, 0, 10, [cell("same", "1"), cell("down", "2", b"2"), cell("new", "1")])
            async with right.swap(RUN, 0) as swap:
                assert swap.checkpoint == await store.checkpoint(0)
                assert await swap.apply(RUN, {"a:1": 42}, fallen=["a:1"]) == 3
            assert await rows(store) == [("down", "2", b"2", 42), ("new", "1", b"1", 42), ("same", "1", b"1", 3)]
            assert (await store.cells("a:1", 0)).generation == 1
            assert (await store.streams(["a:1"]))["a:1"].generation == 1
            assert await differences(right, "a:1") == {}
            async with right.swap(RUN, 0) as swap:
                assert await swap.apply(RUN, {"a:1": 43}, fallen=[]) == 0
            assert (await store.streams(["a:1"]))["a:1"].generation == 1

    tell(store_under_test, story)


def test_a_swap_that_is_cut_off_has_changed_nothing(store_under_test: StoreUnderTest) -> None:
    async def story(store: BothPorts) -> None:
        await live(store, cell("k", "5"))
        async with store.rebuilding() as right:
            await right.begin(RUN)
            with pytest.raises(Cut):
                await cut_off(right)
            assert await rows(store) == [("k", "5", b"1", 0)]
            assert (await store.streams(["a:1"]))["a:1"].generation == 0
            assert await right.begin(RUN) == {0: 0, 1: 0}

    tell(store_under_test, story)


class Cut(Exception):
    """Something went wrong in the middle."""


async def cut_off(right: Rebuilding) -> None:
    async with right.swap(RUN, 0) as swap:
        await right.stage(RUN, 0, 10, [cell("k", "1")])
        await swap.apply(RUN, {"a:1": 42}, fallen=["a:1"])
        raise Cut


def test_no_projector_commits_while_a_swap_is_under_way(store_under_test: StoreUnderTest) -> None:
    """And its commit joins what was swapped: nothing is lost, whichever comes first."""

    async def story(store: BothPorts) -> None:
        async with store_under_test.open() as other:
            lease = await live(store, cell("k", "5"))
            async with store.rebuilding() as right:
                await right.begin(RUN)
                async with right.swap(RUN, 0) as swap:
                    later = Batch(lease, "e1", 10, 11, [cell("k", "2", b"2", log_offset=10)])
                    commit = asyncio.create_task(other.commit(later))
                    waiting = asyncio.create_task(other.swap_ended(0))
                    free = asyncio.create_task(other.swap_ended(1))
                    await free
                    await swap.apply(RUN, {"a:1": 42}, fallen=["a:1"])
                    assert (await other.checkpoint(0)).offset_next == 10
                    assert not commit.done()
                    assert not waiting.done()
                async with asyncio.timeout(PATIENCE_S):
                    await waiting
                    assert await commit == 1
            assert await rows(store) == [("k", "2", b"2", 10)]
            assert await store.renew(lease, ttl_s=LONG_S)

    tell(store_under_test, story)


def test_a_partition_that_nobody_has_folded_can_be_swapped(store_under_test: StoreUnderTest) -> None:
    async def story(store: BothPorts) -> None:
        await store.swap_ended(0)
        async with store.rebuilding() as right:
            await right.begin(RUN)
            async with right.swap(RUN, 0) as swap:
                assert (swap.checkpoint.epoch, swap.checkpoint.offset_next) == ("", 0)
        lease = await leased(store)
        await store.commit(Batch(lease, "e1", 0, 1))

    tell(store_under_test, story)


def test_a_rebuild_brings_back_nothing_of_an_account_that_was_erased_meanwhile(
    store_under_test: StoreUnderTest,
) -> None:
    async def story(store: BothPorts) -> None:
        await live(store, cell("k", "1"))
        async with store_under_test.open() as other, store.rebuilding() as right:
            await right.begin(RUN)
            await right.stage(RUN, 0, 10, [cell("k", "1")])
            async with right.swap(RUN, 0) as swap:
                erasing = asyncio.create_task(other.erase_stream("a:1"))
                await swap.apply(RUN, {"a:1": 42}, fallen=[])
                assert not erasing.done()
            async with asyncio.timeout(PATIENCE_S):
                assert await erasing == 1
            assert await rows(store) == []
            with pytest.raises(Conflict, match="erased"):
                await right.stage(RUN, 0, 11, [])
            with pytest.raises(Conflict, match="erased"):
                await differences(right, "a:1")
            assert await right.begin(RUN) == {0: 0, 1: 0}
            assert await differences(right, "a:1") == {}

    tell(store_under_test, story)


def test_streams_with_cells_are_listed_in_pages(store_under_test: StoreUnderTest) -> None:
    streams = [f"a:{n:02}" for n in range(7)]

    async def story(store: BothPorts) -> None:
        assert list(await store.streams_with_cells(after="", limit=3)) == []
        await live(store, *[cell(f"k{n}", "1", stream=stream) for stream in reversed(streams) for n in range(3)])
        assert list(await store.streams_with_cells(after="", limit=3)) == streams[:3]
        assert list(await store.streams_with_cells(after="a:02", limit=9)) == streams[3:]
        assert list(await store.streams_with_cells(after="a:06", limit=9)) == []

    tell(store_under_test, story)

"""The exam of the store's ports: every adapter sits it. Source: syncd/store/port.py."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from stores_under_test import StoreUnderTest, cell, commit, leased, tell

from syncd.errors import FencedOut
from syncd.store.port import (
    NOBODY,
    Batch,
    Checkpoint,
    DeadLetter,
    DeadLetterRow,
    LetterFilter,
    LetterPosition,
    SlotsRow,
    Store,
    StreamInfo,
    VoidRow,
    WriterIdentity,
    WriterKnown,
    WriterProgress,
    WriterRow,
)
from syncd.testing.patience import PATIENCE_S

# --- commits ---


def test_a_partition_never_folded_is_at_the_beginning_of_no_epoch(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        assert await store.checkpoint(0) == Checkpoint(0, "", 0)
        await leased(store)
        assert await store.checkpoint(0) == Checkpoint(0, "", 0)
        assert (await store.cells("a:1", 0)).checkpoint == Checkpoint(0, "", 0)

    tell(store_under_test, story)


def test_a_commit_moves_the_checkpoint_and_writes_everything(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        lease = await leased(store)
        await store.register_writers([WriterIdentity("wwwwwwwwww", "9f3c", "d1", "n" * 16)])
        batch = Batch(
            lease, "e1", 0, 7,
            cells=[cell("b", "1", b'"\xc3\xbc"'), cell("a", "2"), cell("a", "3", stream="p:x")],
            writers=[WriterRow("wwwwwwwwww", "a:1", 5, 2**53 - 1, 6), WriterRow("wwwwwwwwww", "p:x", 2, 9, 3)],
            voids=[VoidRow("wwwwwwwwww", "a:1", 4, "limit"), VoidRow("wwwwwwwwww", "a:1", 5, "orphan")],
            slots=[SlotsRow("a:1", "queue", 500)],
            dead_letters=[DeadLetterRow(0, 3, "a:1", "wwwwwwwwww", 3, "k", 1, b"\x00\xff", "unreadable:\n\x1f…")],
        )  # fmt: skip
        assert await store.commit(batch) == 3
        state = await store.cells("a:1", 0)
        assert state.checkpoint == Checkpoint(0, "e1", 7) == await store.checkpoint(0)
        assert list(state.cells) == [cell("a", "2"), cell("b", "1", b'"\xc3\xbc"')]
        assert list((await store.cells("p:x", 0)).cells) == [cell("a", "3", stream="p:x")]
        assert (await store.slots(["a:1"]))["a:1"] == {"queue": 500}
        assert await store.writers(["wwwwwwwwww", "unknown"]) == {
            "wwwwwwwwww": WriterKnown(
                account="9f3c", device="d1", nonce="n" * 16,
                progress={"a:1": WriterProgress(5, 2**53 - 1, 6), "p:x": WriterProgress(2, 9, 3)},
                voids={"a:1": frozenset({4, 5})},
            )
        }  # fmt: skip

    tell(store_under_test, story)


def test_a_commit_needs_offset_epoch_and_term_to_be_right(store_under_test: StoreUnderTest) -> None:
    """And writes nothing at all otherwise."""

    async def story(store: Store) -> None:
        lease = await leased(store)
        await store.register_writers([WriterIdentity("wwwwwwwwww", "9f3c", "d1", "n")])
        await commit(store, lease, cell("a", "1"), at=0)
        good = Batch(
            lease, "e1", 1, 2,
            cells=[cell("a", "2"), cell("b", "1")],
            writers=[WriterRow("wwwwwwwwww", "a:1", 1, 1, 0)],
            voids=[VoidRow("wwwwwwwwww", "a:1", 1, "limit")],
            slots=[SlotsRow("a:1", "queue", 1)],
        )  # fmt: skip
        wrong = [
            replace(good, offset_old=0),
            replace(good, offset_old=2, offset_new=3),
            replace(good, epoch="e2"),
            replace(good, epoch=""),
            replace(good, lease=replace(lease, term=0)),
            replace(good, lease=replace(lease, term=2)),
            replace(good, lease=replace(lease, partition=1)),
        ]
        for batch in wrong:
            with pytest.raises(FencedOut):
                await store.commit(batch)
        state = await store.cells("a:1", 0)
        assert (state.checkpoint, list(state.cells)) == (Checkpoint(0, "e1", 1), [cell("a", "1")])
        known = (await store.writers(["wwwwwwwwww"]))["wwwwwwwwww"]
        assert (known.progress, known.voids) == ({}, {})
        assert (await store.slots(["a:1"]))["a:1"] == {}
        assert await store.commit(good) == 2

    tell(store_under_test, story)


def test_whoever_lost_the_lease_cannot_commit_though_the_offset_is_right(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        frozen = await store.acquire(0, holder="frozen", ttl_s=0)
        assert frozen is not None
        assert await commit(store, frozen, cell("a", "1"), at=0) == 1  # expired, but nobody came: no harm
        newer = await leased(store)
        with pytest.raises(FencedOut, match="term 1"):
            await commit(store, frozen, cell("a", "2"), at=1)
        assert await commit(store, newer, cell("a", "2"), at=1) == 1

    tell(store_under_test, story)


def test_of_two_who_commit_the_same_offset_one_is_fenced_out(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        lease = await leased(store)
        async with store_under_test.open() as other:
            for at in range(5):
                both = [commit(one, lease, cell("a", f"{at}"), at=at) for one in (store, other)]
                ended = await asyncio.gather(*both, return_exceptions=True)
                assert sorted(type(end).__name__ for end in ended) == ["FencedOut", "int"]

    tell(store_under_test, story)


def test_the_larger_rank_stays_then_the_larger_value(store_under_test: StoreUnderTest) -> None:
    """Bytes decide: no locale sorts 'a' before 'B', and a value is compared by its UTF-8."""

    async def story(store: Store) -> None:
        lease = await leased(store)
        steps = [
            (cell("k", "B", b"1", log_offset=0), 1),
            (cell("k", "a", b"0", log_offset=1), 1),
            (cell("k", "Z", b"9", log_offset=2), 0),
            (cell("k", "a", b"0", log_offset=3), 0),
            (cell("k", "a", b"\xc3\xbc", log_offset=4), 1),
            (cell("k", "a", b"z" * 10, log_offset=5), 0),
            (cell("k", "a0", b"0", log_offset=6), 1),
        ]
        for at, (written, changed) in enumerate(steps):
            assert await commit(store, lease, written, at=at) == changed
        assert list((await store.cells("k", 0)).cells) == []
        assert list((await store.cells("a:1", 0)).cells) == [cell("k", "a0", b"0", log_offset=6)]

    tell(store_under_test, story)


def test_cells_come_sorted_by_the_bytes_of_their_keys(store_under_test: StoreUnderTest) -> None:
    keys = ["b", "B", "a/é", "a/z", "a", "_", "\uffee", "\U0001f3b9"]

    async def story(store: Store) -> None:
        lease = await leased(store)
        await commit(store, lease, *(cell(key, "1", log_offset=9) for key in keys), at=0)
        by_bytes = sorted(keys, key=lambda key: key.encode())
        for from_offset in (0, 9):
            state = await store.cells("a:1", 0, from_offset=from_offset)
            assert [found.key for found in state.cells] == by_bytes

    tell(store_under_test, story)


def test_only_cells_changed_since_an_offset_are_given(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        lease = await leased(store)
        await commit(store, lease, cell("a", "1", log_offset=3), cell("b", "1", log_offset=4), at=0)
        await commit(store, lease, cell("a", "2", log_offset=5), cell("b", "0", log_offset=6), at=1)
        found = {since: [c.key for c in (await store.cells("a:1", 0, from_offset=since)).cells] for since in range(8)}
        assert found == {
            0: ["a", "b"],
            1: ["a", "b"],
            2: ["a", "b"],
            3: ["a", "b"],
            4: ["a", "b"],
            5: ["a"],
            6: [],
            7: [],
        }

    tell(store_under_test, story)


def test_only_cells_under_the_prefixes_are_given(store_under_test: StoreUnderTest) -> None:
    keys = ["member/a", "member/~z", "member", "members/a", "memb", "n", "playlist/public", "a", "queue/on/x"]

    async def story(store: Store) -> None:
        lease = await leased(store)
        await commit(store, lease, *(cell(key, "1") for key in keys), cell("member/b", "1", stream="a:2"), at=0)
        expected: list[tuple[list[str], list[str]]] = [
            (["member/"], ["member/a", "member/~z"]),
            (["playlist/", "member/"], ["member/a", "member/~z", "playlist/public"]),
            (["member"], ["member", "member/a", "member/~z", "members/a"]),
            (["nothing/"], []),
            ([], []),
        ]
        for prefixes, found in expected:
            state = await store.cells_under("a:1", 0, prefixes=prefixes)
            assert state.checkpoint == Checkpoint(0, "e1", 1)
            assert list(state.cells) == [cell(key, "1") for key in found]

    tell(store_under_test, story)


def test_counts_add_up_and_maxima_stay(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        lease = await leased(store)
        await store.register_writers([WriterIdentity("wwwwwwwwww", "9f3c", "d1", "n")])
        for at, (seq, t, slots) in enumerate([(3, 10, 5), (2, 12, 0), (4, 11, 7)]):
            await commit(
                store, lease, at=at,
                writers=[WriterRow("wwwwwwwwww", "a:1", seq, t, at)],
                voids=[VoidRow("wwwwwwwwww", "a:1", 2, f"reason {at}")],
                slots=[SlotsRow("a:1", "queue", slots), SlotsRow("a:1", "sidebar", 1)],
                dead_letters=[DeadLetterRow(0, 1, "a:1", "wwwwwwwwww", 1, "k", 1, b"", f"reason {at}")],
            )  # fmt: skip
        known = (await store.writers(["wwwwwwwwww"]))["wwwwwwwwww"]
        assert (known.progress, known.voids) == ({"a:1": WriterProgress(4, 12, 2)}, {"a:1": frozenset({2})})
        assert await store.slots(["a:1", "a:2"]) == {"a:1": {"queue": 12, "sidebar": 3}, "a:2": {}}

    tell(store_under_test, story)


def test_another_epoch_begins_where_its_holder_says(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        lease = await leased(store)
        await commit(store, lease, cell("a", "1"), at=0)
        with pytest.raises(FencedOut):
            await store.begin_epoch(replace(lease, term=9), epoch="e2", offset_next=0)
        await store.begin_epoch(lease, epoch="e2", offset_next=5)
        state = await store.cells("a:1", 0)
        assert (state.checkpoint, list(state.cells)) == (Checkpoint(0, "e2", 5), [cell("a", "1")])
        with pytest.raises(FencedOut):
            await commit(store, lease, at=5)
        assert await store.commit(Batch(lease, "e2", 5, 6, [cell("a", "2")])) == 1

    tell(store_under_test, story)


def test_records_folded_again_in_another_epoch_do_not_count_twice(store_under_test: StoreUnderTest) -> None:
    """A list of 15,000 items must not look like one of 30,000 after a restore: nobody could add to it any more."""

    async def story(store: Store) -> None:
        lease = await leased(store)
        slots = [SlotsRow("a:1", "queue", 15_000)]
        await commit(store, lease, at=0, slots=slots)
        await store.begin_epoch(lease, epoch="e2", offset_next=0)
        assert (await store.slots(["a:1"]))["a:1"] == {"queue": 15_000}
        await store.commit(Batch(lease, "e2", 0, 1, slots=slots))
        await store.commit(Batch(lease, "e2", 1, 2, slots=[SlotsRow("a:1", "queue", 3)]))
        assert (await store.slots(["a:1"]))["a:1"] == {"queue": 15_003}

    tell(store_under_test, story)


def test_cells_and_checkpoint_belong_together(store_under_test: StoreUnderTest) -> None:
    """Whoever reads while others commit sees the cells of exactly the checkpoint that comes with them."""

    async def story(store: Store) -> None:
        lease = await leased(store)
        async with store_under_test.open() as reader:

            async def write() -> None:
                for at in range(60):
                    await commit(store, lease, *(cell(f"{n}", f"{at:03}", log_offset=at) for n in range(5)), at=at)

            async def read() -> int:
                offset = 0
                while offset < 60:
                    state = await reader.cells("a:1", 0)
                    offset = state.checkpoint.offset_next
                    assert {found.rank for found in state.cells} == ({f"{offset - 1:03}"} if offset else set())
                    await asyncio.sleep(0)
                return offset

            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(write(), read())

    tell(store_under_test, story)


def test_a_large_batch_is_written_whole(store_under_test: StoreUnderTest) -> None:
    cells = [cell(f"history/{n:06}/what", f"{n:011}", b"x" * 200, log_offset=n) for n in range(6_000)]

    async def story(store: Store) -> None:
        lease = await leased(store)
        assert await commit(store, lease, *cells, at=0) == len(cells)
        assert await commit(store, lease, *cells, at=1) == 0
        assert list((await store.cells("a:1", 0)).cells) == cells

    tell(store_under_test, story)


# --- dead letters ---


def letter(offset: int, *, stream: str = "a:1", reason: str = "undecodable: x", body: bytes = b"{") -> DeadLetterRow:
    return DeadLetterRow(0, offset, stream, "wwwwwwwwww", 7, "k", 1, body, reason)


async def listed(store: Store, *, after: LetterPosition | None = None, limit: int = 9, **wanted: Any) -> list[int]:
    """Offsets of the letters that pass."""
    page = await store.dead_letters(LetterFilter(**wanted), after=after, limit=limit)
    return [found.position.offset for found in page]


def test_dead_letters_are_listed_by_position_filtered_and_in_pages(store_under_test: StoreUnderTest) -> None:
    set_aside = [letter(3), letter(11, stream="p:x"), letter(2, reason="upcast_failed: version 9"), letter(4)]

    async def story(store: Store) -> None:
        await commit(store, await leased(store), at=0, dead_letters=set_aside)
        assert await listed(store) == [2, 3, 4, 11]
        assert await listed(store, streams=["p:x", "p:y"]) == [11]
        assert await listed(store, streams=[]) == []
        assert await listed(store, reason="upcast") == [2]
        assert await listed(store, reason="%") == []
        assert await listed(store, partition=1) == []
        assert await listed(store, offset=4) == [4]
        assert await listed(store, limit=2) == [2, 3]
        assert await listed(store, after=LetterPosition(0, "e1", 3)) == [4, 11]
        (first,) = await store.dead_letters(LetterFilter(offset=2), after=None, limit=9)
        at = LetterPosition(0, "e1", 2)
        assert first == DeadLetter(at, "a:1", "wwwwwwwwww", 7, "k", 1, 1, "upcast_failed: version 9")

    tell(store_under_test, story)


def test_a_dead_letter_is_shown_whole_and_dropped_once(store_under_test: StoreUnderTest) -> None:
    body = bytes(range(256)) * 1_000

    async def story(store: Store) -> None:
        await commit(store, await leased(store), at=0, dead_letters=[letter(0, body=body), letter(1)])
        at = LetterPosition(0, "e1", 0)
        assert await store.dead_letter(at) == letter(0, body=body)
        assert await store.dead_letter(at._replace(epoch="e0")) is None
        assert [await store.drop_dead_letter(at) for _ in range(2)] == [True, False]
        assert await store.dead_letter(at) is None
        assert await listed(store) == [1]

    tell(store_under_test, story)


# --- writers and owners ---


def test_an_account_owns_the_playlists_it_was_first_to_claim(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        for stream, owner in (("p:z", "one"), ("p:b", "one"), ("p:c", "two"), ("p:b", "two")):
            await store.claim_stream(stream, owner=owner)
        assert list(await store.streams_owned("one")) == ["p:b", "p:z"]
        assert list(await store.streams_owned("two")) == ["p:c"]
        assert list(await store.streams_owned("nobody")) == []

    tell(store_under_test, story)


def test_what_was_erased_is_known_for_good(store_under_test: StoreUnderTest) -> None:
    """Also a stream that had no row of its own: the log may still hold its records."""

    async def story(store: Store) -> None:
        lease = await leased(store)
        await store.claim_stream("p:x", owner="alice")
        await store.claim_stream("p:y", owner="bob")
        await commit(store, lease, cell("k", "1", b"1", log_offset=0), at=0)
        assert await store.erased_streams() == frozenset()
        for _ in range(2):
            assert await store.erase_stream("a:1") in (1, 0)
            await store.erase_stream("p:x")
        assert await store.erased_streams() == {"a:1", "p:x"}
        assert (await store.cells("a:1", 0)).cells == []
        assert (await store.claim_stream("p:x", owner="bob")).owner == NOBODY
        assert await store.streams_owned("bob") == ["p:y"]
        assert (await store.streams(["a:1"]))["a:1"].generation == 2, "who still holds its cells takes a snapshot"

    tell(store_under_test, story)


def test_a_writer_id_is_given_once(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        asked = [
            store.register_writers([WriterIdentity("wwwwwwwwww", f"account{n}", f"d{n}", f"n{n}")]) for n in range(5)
        ]
        won = [n for n, first in enumerate(await asyncio.gather(*asked)) if first]
        assert len(won) == 1
        known = (await store.writers(["wwwwwwwwww"]))["wwwwwwwwww"]
        assert known == WriterKnown(account=f"account{won[0]}", device=f"d{won[0]}", nonce=f"n{won[0]}")

    tell(store_under_test, story)


def test_an_account_s_writers_are_its_own_in_order(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        for writer, account in (("bbbbbbbbbb", "1"), ("aaaaaaaaaa", "1"), ("cccccccccc", "2")):
            await store.register_writers([WriterIdentity(writer, account, f"d{account}", "n")])
        assert await store.writers_of("1") == [
            WriterIdentity("aaaaaaaaaa", "1", "d1", "n"),
            WriterIdentity("bbbbbbbbbb", "1", "d1", "n"),
        ]
        assert await store.writers_of("nobody") == []

    tell(store_under_test, story)


def test_unknown_writers_are_absent(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        assert await store.writers([]) == {}
        assert await store.writers(["nobody"]) == {}

    tell(store_under_test, story)


def test_the_first_to_claim_a_stream_owns_it_and_everybody_learns_who(store_under_test: StoreUnderTest) -> None:
    async def story(store: Store) -> None:
        assert await store.streams(["p:x", "a:1"]) == {"p:x": StreamInfo(None, 0), "a:1": StreamInfo(None, 0)}
        async with store_under_test.open() as other:
            claims = [one.claim_stream("p:x", owner=f"account{n}") for n, one in enumerate([store, other] * 4)]
            owners = {info.owner for info in await asyncio.gather(*claims)}
        assert len(owners) == 1
        owner = str(owners.pop())
        assert await store.streams(["p:x"]) == {"p:x": StreamInfo(owner, 0)}
        assert await store.streams([]) == {}

    tell(store_under_test, story)

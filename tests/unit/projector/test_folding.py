"""From records to rows: any batch size gives the same state. The store in memory sits the same exam as Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert
from msgspec.structs import replace

from syncd.log.record import Body, LoggedRecord, encode_record
from syncd.model.canonical import canonical
from syncd.model.cells import Cells, fold
from syncd.model.events import EVENTS, VOID, Event
from syncd.model.lowering import lower
from syncd.projector.folding import fold_cells, fold_records
from syncd.store.memory import MemoryStore
from syncd.store.port import Batch, CellRow, DeadLetterRow, SlotsRow, VoidRow, WriterIdentity, WriterRow
from syncd.testing.histories import ACCOUNT, histories

WRITER = "k3v9q2m4ta"
STREAM = ACCOUNT
BAD = b"{"


def logged(offset: int, event: Event) -> LoggedRecord:
    body = Body(event.t, event.data, "alice", "d1", 1_000 + offset)
    return LoggedRecord(0, offset, *encode_record(event.stream, event.writer, event.seq, event.kind, body))


def made(kind: str, data: Any, *, seq: int = 1, t: int = 1, stream: str = STREAM, writer: str = WRITER) -> Event:
    return Event(stream, writer, seq, t, kind, convert(data, EVENTS[kind]) if kind in EVENTS else data)


def log_of(*events: Event) -> list[LoggedRecord]:
    return [logged(offset, event) for offset, event in enumerate(events)]


async def stored(records: Sequence[LoggedRecord], cuts: Sequence[int]) -> tuple[dict[str, Any], MemoryStore]:
    """The store after folding the log in batches that end at these offsets."""
    store = MemoryStore()
    lease = await store.acquire(0, holder="test", ttl_s=60.0)
    assert lease is not None
    borders = sorted({0, len(records), *cuts})
    for start, end in zip(borders, borders[1:], strict=False):
        all_ = fold_records(records[start:end])
        rows = (all_.cells, all_.writers, all_.voids, all_.slots, all_.dead_letters)
        await store.commit(Batch(lease, "e1", start, end, *rows))
    cells = (await store.cells(STREAM, 0)).cells
    writers = {record.writer for record in records}
    for writer in writers:
        await store.register_writers([WriterIdentity(writer, "alice", "d1", "n")])
    state = {
        "cells": {row.key: (row.rank, row.value) for row in cells},
        "writers": await store.writers(sorted(writers)),
        "slots": (await store.slots([STREAM]))[STREAM],
        "checkpoint": await store.checkpoint(0),
    }
    return state, store


@given(histories(), st.data())
def test_any_batch_size_gives_the_refold_of_the_log(history: Sequence[Event], data: st.DataObject) -> None:
    records = log_of(*history)
    if not records:
        return
    cuts = data.draw(st.lists(st.integers(0, len(records)), max_size=len(records)))
    plain: Cells = {}
    for event in history:
        fold(plain, lower(event))

    async def story() -> None:
        one, _ = await stored(records, [])
        some, _ = await stored(records, cuts)
        each, _ = await stored(records, range(len(records)))
        assert one == some == each
        assert one["cells"] == {key: (cell.rank, canonical(cell.value)) for key, cell in plain.items()}

    asyncio.run(story())


@given(histories(), st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=20))
def test_a_rebuild_folds_the_cells_that_a_projector_does(
    history: Sequence[Event], repeats: Sequence[tuple[int, int]]
) -> None:
    """Also of records that come twice, out of their order, and of some that nobody can read."""
    records = log_of(*history)
    for at, repeated in repeats:
        again = records[repeated % len(records)] if records else logged(0, made("settings.changed", {"a": 1}))
        records.insert(at, replace(again, body=BAD) if at % 7 == 0 else again)
    records = [replace(record, offset=offset) for offset, record in enumerate(records)]
    folded = fold_records(records, erased={"p:gone"})
    assert fold_cells(records, erased={"p:gone"}) == (folded.cells, len(folded.dead_letters))


def test_equal_writes_of_a_faulty_writer_join_by_their_values_and_the_first_stays() -> None:
    """Two events under one stamp: the larger value wins in any order, and what was written first keeps its offset."""
    one, two = made("settings.changed", {"a": 1}, seq=1, t=9), made("settings.changed", {"a": 2}, seq=2, t=9)
    for records, winner in ((log_of(one, two, two), (b"2", 1)), (log_of(two, one, two), (b"2", 0))):
        (row,) = fold_records(records).cells
        assert (row.value, row.log_offset) == winner


def test_a_cell_has_the_offset_of_the_record_that_won() -> None:
    folded = fold_records(
        log_of(
            made("settings.changed", {"a": 1, "b": 1}, seq=1, t=10),
            made("settings.changed", {"a": 2}, seq=2, t=20),
            made("settings.changed", {"a": 3, "b": 3}, seq=3, t=5),
        )
    )
    assert [(row.key, row.value, row.log_offset) for row in folded.cells] == [
        ("settings/a", b"2", 1),
        ("settings/b", b"1", 0),
    ]
    assert isinstance(folded.cells[0], CellRow)


def test_a_writer_has_its_largest_seq_and_time_per_stream() -> None:
    other = "p:playlist-of-alice-00"
    folded = fold_records(
        log_of(
            made("settings.changed", {"a": 1}, seq=2, t=50),
            made("settings.changed", {"a": 1}, seq=1, t=90),
            made("playlist.described", {"name": "x"}, seq=1, t=70, stream=other),
        )
    )
    assert folded.writers == [WriterRow(WRITER, STREAM, 2, 90, 0), WriterRow(WRITER, other, 1, 70, 2)]


def test_a_void_uses_up_its_seq_and_writes_nothing() -> None:
    folded = fold_records(log_of(made(VOID, {"reason": "expired", "message": "late"}, seq=4, t=9)))
    assert list(folded.cells) == []
    assert folded.voids == [VoidRow(WRITER, STREAM, 4, "expired")]
    assert folded.writers == [WriterRow(WRITER, STREAM, 4, 9, 0)]


def test_slots_are_counted_per_list() -> None:
    insert = {"list": "queue", "side": "R", "items": [{"track": "t"}] * 3}
    sidebar = {"list": "sidebar", "side": "R", "items": [{"playlist": "p"}]}
    folded = fold_records(
        log_of(*[made("list.inserted", data, seq=n) for n, data in enumerate([insert, sidebar, insert], 1)])
    )
    assert folded.slots == [SlotsRow(STREAM, "queue", 6), SlotsRow(STREAM, "sidebar", 1)]


def test_what_cannot_be_read_is_a_dead_letter_with_its_place_and_its_seq_counts() -> None:
    good = log_of(made("settings.changed", {"a": 1}, seq=1), made("settings.changed", {"a": 2}, seq=2, t=5))
    bad = replace(good[1], offset=2, seq=3, body=BAD)
    newer = replace(good[1], offset=3, seq=4, version=99)
    folded = fold_records([*good, bad, newer])
    assert [type(letter) for letter in folded.dead_letters] == [DeadLetterRow] * 2
    assert [(letter.offset, letter.seq, letter.body) for letter in folded.dead_letters] == [
        (2, 3, BAD),
        (3, 4, good[1].body),
    ]
    assert folded.dead_letters[0].reason.startswith("undecodable: ")
    assert "99" in folded.dead_letters[1].reason
    assert folded.writers == [WriterRow(WRITER, STREAM, 4, 5, 3)]
    assert [row.value for row in folded.cells] == [b"2"]


def test_kinds_of_a_later_version_write_nothing_and_are_counted() -> None:
    folded = fold_records(log_of(made("mood.changed", {"m": 1}), made("mood.changed", {"m": 2}, seq=2)))
    assert folded.unknown_kinds == {"mood.changed": 2}
    assert (list(folded.cells), folded.dead_letters) == ([], [])
    assert folded.writers == [WriterRow(WRITER, STREAM, 2, 1, 1)]


def test_the_age_of_a_batch_is_that_of_its_first_readable_record() -> None:
    records = log_of(made("settings.changed", {"a": 1}), made("settings.changed", {"a": 2}, seq=2))
    assert fold_records([replace(records[0], body=BAD), records[1]]).admitted_ms_first == 1_001
    assert fold_records([]).admitted_ms_first is None

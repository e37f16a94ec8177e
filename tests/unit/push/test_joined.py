"""What was missed is written as one piece where it is small, in bounded ones where it is not, and joined once."""

from __future__ import annotations

import pytest
from push_parts import entry

from syncd.protocol.codec import JSON, MSGPACK, Codec
from syncd.push import joined
from syncd.push.entry import Entry
from syncd.push.hub import Channel
from syncd.push.joined import JoinedTails

CHANNEL = Channel("a:alice", partition=0, epoch="e", generation=0, position=0)


def framed(entries: list[Entry], codec: Codec = JSON) -> list[bytes]:
    return [each.framed(codec, CHANNEL.cursor(each.offset + 1)) for each in entries]


def test_a_few_deltas_are_one_piece_in_order_without_the_voids() -> None:
    entries = [entry(0, void=True), entry(1), entry(2, void=True), entry(3)]
    assert list(JoinedTails().pieces(CHANNEL, JSON, entries)) == [(1, b"".join(framed([entries[1], entries[3]])))]


@pytest.mark.parametrize("entries", [[], [entry(0, void=True)]])
def test_nothing_to_tell_is_no_piece(entries: list[Entry]) -> None:
    assert list(JoinedTails().pieces(CHANNEL, JSON, entries)) == []


def test_many_are_cut_and_each_piece_knows_its_first_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry(offset) for offset in range(5)]
    size = len(framed(entries)[0])
    monkeypatch.setattr(joined, "WRITE_BYTES", 2 * size)
    tails = JoinedTails()
    for _ in range(2):
        pieces = list(tails.pieces(CHANNEL, JSON, entries))
        assert [first for first, _ in pieces] == [0, 2, 4]
        assert b"".join(piece for _, piece in pieces) == b"".join(framed(entries))


def test_who_missed_the_same_in_the_same_format_gets_the_same_bytes() -> None:
    tails = JoinedTails()
    entries = [entry(offset) for offset in range(3)]
    ((_, first),) = tails.pieces(CHANNEL, JSON, entries)
    ((_, second),) = tails.pieces(CHANNEL, JSON, entries)
    assert second is first
    ((_, packed),) = tails.pieces(CHANNEL, MSGPACK, entries)
    assert packed == b"".join(framed(entries, MSGPACK))
    for less in (entries[1:], entries[:2]):
        ((_, other),) = tails.pieces(CHANNEL, JSON, less)
        assert other == b"".join(framed(less))


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "KEPT_MAX", 2)
    tails = JoinedTails()
    entries = [entry(offset) for offset in range(4)]
    kept = [next(tails.pieces(CHANNEL, JSON, entries[start:]))[1] for start in range(3)]
    again = [next(tails.pieces(CHANNEL, JSON, entries[start:]))[1] for start in (1, 2, 0)]
    assert [now is before for now, before in zip(again, (kept[1], kept[2], kept[0]), strict=True)] == [
        True,
        True,
        False,
    ]

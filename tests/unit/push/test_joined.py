"""What was missed is written as one piece where it is small, in bounded ones where it is not, and joined once."""

from __future__ import annotations

import pytest
from push_parts import entry

from syncd.protocol.codec import JSON, MSGPACK, Codec
from syncd.push import joined
from syncd.push.delta import framed_delta
from syncd.push.entry import Entry
from syncd.push.hub import Channel
from syncd.push.joined import JoinedTails
from syncd.push.recent import Recent


def recent(entries: list[Entry]) -> Recent:
    """A ring that holds them."""
    ring = Recent(position=0, bytes_max=1_000)
    if entries:
        ring.extend(entries)
    return ring


CHANNEL = Channel("a:alice", partition=0, epoch="e", generation=0, position=0)


def framed(entries: list[Entry], codec: Codec = JSON) -> list[bytes]:
    return [framed_delta(each, codec, CHANNEL.cursor(each.offset + 1)) for each in entries]


def test_a_few_deltas_are_one_piece_in_order_without_the_voids() -> None:
    entries = [entry(0, void=True), entry(1), entry(2, void=True), entry(3)]
    assert list(JoinedTails().pieces(CHANNEL, JSON, recent(entries), 0)) == [
        (1, b"".join(framed([entries[1], entries[3]])))
    ]


@pytest.mark.parametrize("entries", [[], [entry(0, void=True)]])
def test_nothing_to_tell_is_no_piece(entries: list[Entry]) -> None:
    assert list(JoinedTails().pieces(CHANNEL, JSON, recent(entries), 0)) == []


def test_many_are_cut_and_each_piece_knows_its_first_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry(offset) for offset in range(5)]
    size = len(framed(entries)[0])
    monkeypatch.setattr(joined, "WRITE_BYTES", 2 * size)
    tails = JoinedTails()
    for _ in range(2):
        pieces = list(tails.pieces(CHANNEL, JSON, recent(entries), 0))
        assert [first for first, _ in pieces] == [0, 2, 4]
        assert b"".join(piece for _, piece in pieces) == b"".join(framed(entries))


def test_who_missed_the_same_in_the_same_format_gets_the_same_bytes() -> None:
    tails = JoinedTails()
    entries = [entry(offset) for offset in range(3)]
    ring = recent(entries)
    ((_, first),) = tails.pieces(CHANNEL, JSON, ring, 0)
    ((_, second),) = tails.pieces(CHANNEL, JSON, ring, 0)
    assert second is first
    ((_, packed),) = tails.pieces(CHANNEL, MSGPACK, ring, 0)
    assert packed == b"".join(framed(entries, MSGPACK))
    ((_, less),) = tails.pieces(CHANNEL, JSON, ring, 1)
    assert less == b"".join(framed(entries[1:]))
    ring.extend([entry(3)])
    ((_, more),) = tails.pieces(CHANNEL, JSON, ring, 0)
    assert more == b"".join(framed([*entries, entry(3)]))
    assert list(tails.pieces(CHANNEL, JSON, ring, 4)) == []


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "KEPT_MAX", 2)
    tails = JoinedTails()
    ring = recent([entry(offset) for offset in range(4)])
    kept = [list(tails.pieces(CHANNEL, JSON, ring, start))[0][1] for start in range(3)]
    again = [list(tails.pieces(CHANNEL, JSON, ring, start))[0][1] for start in (1, 2, 0)]
    assert [now is before for now, before in zip(again, (kept[1], kept[2], kept[0]), strict=True)] == [
        True,
        True,
        False,
    ]

"""What a gateway knows of the writers that are connected to it: how far each has come on each stream.

A seq is *admitted* when it went to the log and *durable* when the log has answered; only durable ones count as seen.
What is known comes from the store, plus the log from the store's checkpoint to its end, and from then on from the tail.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from syncd.log.record import LoggedRecord
from syncd.push.entry import Entry, VoidAnswer

ANSWERS_MAX = 1_024
"""Answers remembered per writer and stream: several emits; an older one is looked up in the log."""
ANSWERS_KEPT = 32
"""Of them, for a writer whose connection ended."""

Answer = int | VoidAnswer
"""The time an event was admitted with, or what its void says."""
Identity: TypeAlias = tuple[str, str, str]
"""(account, device, nonce): whose local store a writer belongs to."""


class StreamLedger:
    """One writer on one stream.

    Attributes:
        durable: the largest seq that the log holds.
        admitted: the largest seq given to the log; those above `durable` are under way.
        gap_told: a nack gap was sent and `expect` has not arrived since.
        voids: used-up seqs of refused events, which orphan what names them.
        answers: durable seq -> how it was answered, the newest ones.
        newest_offset: of the newest record, as far as known; -1 when nobody knows.
    """

    __slots__ = ("admitted", "answers", "durable", "gap_told", "newest_offset", "voids")

    def __init__(self, durable: int = 0, voids: frozenset[int] = frozenset(), *, newest_offset: int = -1) -> None:
        self.newest_offset = newest_offset
        self.durable = durable
        self.admitted = durable
        self.gap_told = False
        self.voids = set(voids)
        self.answers: OrderedDict[int, Answer] = OrderedDict()

    def note(self, entry: Entry) -> None:
        """A record of this writer on this stream is durable. The first answer of a seq stays."""
        seq, void, answers = entry.seq, entry.void, self.answers
        if seq > self.durable:
            self.reached(seq, entry.offset)
        if void is not None:
            self.voids.add(seq)
        if seq not in answers:
            answers[seq] = entry.t if void is None else void
            if len(answers) > ANSWERS_MAX:
                answers.popitem(last=False)

    def reached(self, seq: int, offset: int) -> None:
        """The log holds a seq beyond all that are known."""
        self.durable = seq
        self.newest_offset = offset
        if seq > self.admitted:
            self.admitted = seq

    def recall(self, answers: Mapping[int, Answer]) -> None:
        """Take in what the log says of old seqs, the one asked for first; its neighbours only where there is room."""
        while len(self.answers) >= ANSWERS_MAX:
            self.answers.popitem(last=False)
        for seq, answer in answers.items():
            if seq not in self.answers and len(self.answers) < ANSWERS_MAX:
                self.answers[seq] = answer
                self.answers.move_to_end(seq, last=False)

    def rest(self) -> None:
        """The connection is gone; what only it knew is forgotten, and most answers."""
        self.gap_told = False
        while len(self.answers) > ANSWERS_KEPT:
            self.answers.popitem(last=False)


class WriterLedger:
    """One writer on all streams.

    Attributes:
        identity: whose local store it belongs to; None while that is being asked.
        is_fresh: the writer was made for this connection, so a stream that is not in `streams` has nothing of it.
        last_t: the largest time admitted of it, on any stream.
        durable_t: the largest of what the log holds.
    """

    __slots__ = ("durable_t", "identity", "is_fresh", "last_t", "streams", "writer")

    def __init__(self, writer: str, identity: Identity | None = None, *, is_fresh: bool = False) -> None:
        self.writer = writer
        self.identity = identity
        self.is_fresh = is_fresh
        self.last_t = self.durable_t = 0
        self.streams: dict[str, StreamLedger] = {}

    def reached(self, t: int) -> None:
        """The log holds an event of this writer with this time."""
        if t > self.durable_t:
            self.durable_t = t
            if t > self.last_t:
                self.last_t = t

    def reached_unread(self, record: LoggedRecord) -> None:
        """A record of this writer is durable that cannot be read here: how it was answered is left to `recall`."""
        ledger = self.streams.get(record.stream)
        if ledger is not None and record.seq > ledger.durable:
            ledger.reached(record.seq, record.offset)

    def fall_back(self, under_way_t: int) -> None:
        """The log refused what was admitted last: its times are free again, or an event that is sent once more would
        get a later one than its device believes.

        Args:
            under_way_t: the largest time of what may still become durable; 0 when there is nothing.
        """
        self.last_t = max(self.durable_t, under_way_t)

    def rest(self) -> None:
        """The connection is gone, and may come back."""
        for ledger in self.streams.values():
            ledger.rest()

    def come_back(self, streams: Collection[str]) -> None:
        """A connection goes on with it that listens to these streams; of others, the tail may have ended by now."""
        self.is_fresh = False
        self.streams = {stream: ledger for stream, ledger in self.streams.items() if stream in streams}


def note_all(writers: Mapping[str, WriterLedger], entries: Iterable[Entry]) -> None:
    """Records are durable: tell the ledgers of those of their writers that are known here.

    Every event comes by here. Nearly always it is the next one of its stream, and no void: that is settled in the loop.
    """
    for entry in entries:
        writer = writers.get(entry.writer)
        if writer is None:
            continue
        t, seq = entry.t, entry.seq
        if t > writer.durable_t:
            writer.durable_t = t
            if t > writer.last_t:
                writer.last_t = t
        ledger = writer.streams.get(entry.stream)
        if ledger is None:
            continue
        if seq != ledger.durable + 1 or seq > ledger.admitted or entry.void is not None:
            ledger.note(entry)
            continue
        ledger.durable = seq
        ledger.newest_offset = entry.offset
        answers = ledger.answers
        answers[seq] = t
        if len(answers) > ANSWERS_MAX:
            answers.popitem(last=False)

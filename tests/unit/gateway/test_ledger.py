"""What a gateway remembers of a writer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.gateway import ledger as ledgers
from syncd.gateway.ledger import StreamLedger, WriterLedger, note_all
from syncd.model.events import VOID
from syncd.push.entry import Entry, VoidAnswer

WRITER = "k3v9q2m4ta"


def entry(seq: int, t: int, *, stream: str = "a:alice", void: str | None = None) -> Entry:
    answer = None if void is None else VoidAnswer(void, "why")
    kind = VOID if void else "settings.changed"
    return Entry(stream, WRITER, seq, t, kind, "alice", "d", {}, offset=0, size=1, void=answer)


def test_durable_and_admitted_only_rise() -> None:
    ledger = StreamLedger(durable=3)
    ledger.admitted = 9
    for seq, durable, admitted in ((2, 3, 9), (5, 5, 9), (12, 12, 12)):
        ledger.note(entry(seq, seq))
        assert (ledger.durable, ledger.admitted) == (durable, admitted)


def test_the_first_answer_of_a_seq_stays() -> None:
    ledger = StreamLedger()
    ledger.note(entry(1, 100))
    ledger.note(entry(1, 200))
    assert ledger.answers[1] == 100


def test_a_void_is_remembered_with_its_words() -> None:
    ledger = StreamLedger()
    ledger.note(entry(1, 100, void="expired"))
    assert ledger.voids == {1}
    assert ledger.answers[1] == VoidAnswer("expired", "why")


def test_only_the_newest_answers_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "ANSWERS_MAX", 3)
    ledger = StreamLedger()
    for seq in range(1, 6):
        ledger.note(entry(seq, seq))
    assert list(ledger.answers) == [3, 4, 5]
    assert ledger.durable == 5


def test_a_writers_time_never_falls_and_spans_its_streams() -> None:
    writer = WriterLedger(WRITER)
    writer.streams["a:alice"] = StreamLedger()
    stranger = Entry("a:alice", "someone.el", 7, 900, "settings.changed", "bob", "d", {}, offset=0, size=1)
    of_others = entry(1, 300, stream="p:playlist-nobody-asked")
    note_all({WRITER: writer}, [entry(1, 100), of_others, stranger, entry(2, 200)])
    assert writer.last_t == 300
    assert writer.streams["a:alice"].durable == 2
    assert list(writer.streams) == ["a:alice"]


@given(
    st.lists(st.tuples(st.integers(1, 8), st.sampled_from([None, None, None, "expired"])), max_size=20),
    st.integers(0, 9),
)
def test_a_record_tells_the_writer_what_it_tells_the_stream(noted: list[tuple[int, str | None]], admitted: int) -> None:
    alone, writer = StreamLedger(), WriterLedger(WRITER)
    beside = writer.streams["a:alice"] = StreamLedger()
    alone.admitted = beside.admitted = admitted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledgers, "ANSWERS_MAX", 4)
        for t, (seq, void) in enumerate(noted):
            alone.note(entry(seq, t, void=void))
            note_all({WRITER: writer}, [entry(seq, t, void=void)])
    for name in StreamLedger.__slots__:
        assert getattr(beside, name) == getattr(alone, name), name

"""What a record may not be: nothing that decodes can stop whoever folds, stores or sends it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import Poison
from syncd.limits import RECORD_BYTES_MAX, SAFE_INTEGER_MAX
from syncd.log.record import LoggedRecord, Record, decode_record, time_of
from syncd.model.canonical import canonical
from syncd.model.events import EVENTS
from syncd.model.lowering import lower
from syncd.projector.folding import fold_records
from syncd.testing.poison import body, newer, poisoned

STREAM = "a:alice"


@pytest.mark.parametrize("record", [pytest.param(record, id=what) for what, record in poisoned(STREAM).items()])
def test_a_poisoned_record_is_named_and_set_aside_alone(record: Record) -> None:
    with pytest.raises(Poison):
        decode_record(record)
    good = Record(STREAM, "wwwwwwwwww", 1, "settings.changed", 1, body())
    folded = fold_records([LoggedRecord(0, n, *each) for n, each in enumerate([good, record, good])])
    assert [(cell.key, cell.log_offset) for cell in folded.cells] == [("settings/theme", 0)]
    (letter,) = folded.dead_letters
    assert letter.offset == 1
    assert letter.body == record.body
    assert letter.reason.startswith(("undecodable: ", "upcast_failed: "))
    # The seq of a writer of ours counts, or it would be told of a gap for ever; nobody else's is a writer's.
    counted = {(row.writer, row.stream): row.seq for row in folded.writers}
    is_ours = record.writer == "badbadbad0" and record.stream == STREAM and record.seq > 0
    assert counted.get((record.writer, record.stream)) == (record.seq if is_ours else None)


def test_a_letter_of_anything_can_be_stored() -> None:
    record = LoggedRecord(0, 0, "a\0b\x1f" * 400, "\n", -1, "k\0", 2**40, b"\0")
    (letter,) = fold_records([record]).dead_letters
    assert all(text.isprintable() and len(text) <= 300 for text in letter if isinstance(text, str))
    assert letter.version < 2**31
    assert fold_records([record]).writers == []


def test_the_largest_record_of_ours_is_no_poison() -> None:
    filler = "x" * (RECORD_BYTES_MAX - len(body('{"theme":""}')))
    decode_record(
        Record(STREAM, "wwwwwwwwww", SAFE_INTEGER_MAX, "settings.changed", 1, body(f'{{"theme":"{filler}"}}'))
    )


def test_the_time_of_a_newer_record_can_be_read() -> None:
    assert time_of(newer(STREAM, "{}", seq=1)) == 5
    assert time_of(Record(STREAM, "wwwwwwwwww", 1, "k", 9, b"{")) is None


pieces = st.sampled_from(
    ["1", "-1", "1.5", "1e400", "99999999999999999999", '"\\ud800"', '"\\u0000"', "null", "true", "{}", "[]", '"x"',
     '{"a":1}', "[[1]]", '"wwwwwwwwww.1"', '"wwwwwwwwww.1.0"', '"queue"', '"R"', '[{"track":"t"}]']
)  # fmt: skip


@given(kind=st.sampled_from(sorted(EVENTS)), given_=st.dictionaries(st.integers(0, 20), pieces), t=pieces)
def test_what_decodes_can_be_folded(kind: str, given_: dict[int, str], t: str) -> None:
    """Whatever data hold: it is poison, or it has cells with values."""
    fields = getattr(EVENTS[kind], "__struct_fields__", ("theme",))
    data = {fields[n % len(fields)]: value for n, value in given_.items()}
    whole = "{" + ",".join(f'"{field}":{value}' for field, value in data.items()) + "}"
    try:
        admitted = decode_record(Record(STREAM, "wwwwwwwwww", 1, kind, 1, body(whole, t=t)))
    except Poison:
        return
    for key, cell in lower(admitted.event).items():
        assert key.encode()
        assert cell.rank.encode()
        assert canonical(cell.value)

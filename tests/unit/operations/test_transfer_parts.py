"""The small parts of transfers: sets of seqs, and lines that hold any record."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.log.record import Record
from syncd.operations.transfer.lines import RecordLine, decode_line, encode_line
from syncd.operations.transfer.seqs import Seqs
from syncd.operations.transfer.spilled import Spilled


@given(st.lists(st.integers(1, 30)), st.booleans())
def test_seqs_are_a_set_in_whatever_order_they_come(numbers: list[int], rising: bool) -> None:
    seqs, expected = Seqs(), set[int]()
    for number in sorted(numbers) if rising else numbers:
        assert seqs.add(number) is (number not in expected)
        expected.add(number)
    assert {number for number in range(32) if number in seqs} == expected


keys = st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y\0", "ü"]))


@given(st.lists(st.tuples(keys, st.integers(1, 5) | st.none())), st.integers(1, 4))
def test_a_map_that_spills_is_a_map(steps: list[tuple[tuple[str, str], int | None]], kept_max: int) -> None:
    """Each step puts a new set under a key, or adds a number to the one that is there."""
    expected: dict[tuple[str, str], set[int]] = {}
    with pytest.MonkeyPatch.context() as patch, closing(Spilled(Seqs)) as spilled:
        patch.setattr("syncd.operations.transfer.spilled.KEPT_MAX", kept_max)
        for key, number in steps:
            found = spilled.get(key)
            assert (found is None) == (key not in expected)
            if number is None or found is None:
                spilled[key], expected[key] = Seqs(), set()
            else:
                found.add(number)
                expected[key].add(number)
            assert len(spilled._kept) <= kept_max
        said = {key: {number for number in range(6) if number in seqs} for key, seqs in spilled.items()}
    assert said == expected


bodies = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b'{"a": [1, 2]}', b'{"a":\n1}', b"null", b'"\\u0000"', b"1e400", b'{"a":1,"a":2}', b" {} "]),
)


@given(bodies, st.text(min_size=1, max_size=10), st.integers(1, 2**53 - 1))
def test_a_record_comes_out_of_its_line_byte_for_byte(body: bytes, kind: str, seq: int) -> None:
    record = Record("a:somebody", "w" * 10, seq, kind, 1, body)
    text = encode_line(RecordLine.of(record))
    assert text.count(b"\n") == 1
    line = decode_line(text)
    assert isinstance(line, RecordLine)
    assert line.record == record

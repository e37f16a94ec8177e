"""Cells by column, and the rows that they are."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from syncd.model.canonical import Json, canonical, canonical_lines
from syncd.store.cell_columns import CellColumns
from syncd.store.port import CellRow
from syncd.testing.histories import free_json

rows = st.lists(st.builds(CellRow, st.text(), st.text(), st.text(), free_json().map(canonical), st.integers(0)))


@given(rows)
def test_columns_are_the_rows_that_they_were_made_of(given_: Sequence[CellRow]) -> None:
    columns = CellColumns.of(given_)
    assert (len(columns), list(columns)) == (len(given_), given_)
    assert [columns[n] for n in range(len(given_))] == given_
    assert CellColumns.of(columns) is columns


@given(st.lists(free_json()))
def test_values_by_one_call_are_those_of_a_call_each(values: Sequence[Json]) -> None:
    """None holds a line break, so that lines are values."""
    assert canonical_lines(values) == b"".join(canonical(value) + b"\n" for value in values)
    assert canonical_lines(values).count(b"\n") == len(values)

"""Cursors: ours are read back, anything else is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.limits import SAFE_INTEGER_MAX
from syncd.push.cursor import cursor_prefix, offset_of

PREFIX = cursor_prefix("a:alice", generation=3, epoch="e1", partition=2)


@given(st.integers(0, SAFE_INTEGER_MAX))
def test_what_we_wrote_we_read(offset: int) -> None:
    assert offset_of(f"{PREFIX}{offset}", PREFIX) == offset


@pytest.mark.parametrize(
    "prefix",
    [
        cursor_prefix("a:bob", generation=3, epoch="e1", partition=2),
        cursor_prefix("a:alice", generation=4, epoch="e1", partition=2),
        cursor_prefix("a:alice", generation=3, epoch="e2", partition=2),
        cursor_prefix("a:alice", generation=3, epoch="e1", partition=3),
        cursor_prefix("a:alice", generation=3, epoch="e1", partition=22),
        cursor_prefix("a:alice", generation=33, epoch="e1", partition=2),
    ],
)
def test_a_cursor_of_another_stream_generation_life_or_partition_is_none_of_ours(prefix: str) -> None:
    assert offset_of(f"{prefix}12", PREFIX) is None


@pytest.mark.parametrize(
    "digits",
    [
        "",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1\n",
        "1_0",
        "1.0",
        "1e3",
        "0x1",
        "٣",
        "²",
        "9" * 17,
        "9007199254740992",
        "1" * 10_000,
    ],
)
def test_what_is_no_offset_is_none(digits: str) -> None:
    assert offset_of(f"{PREFIX}{digits}", PREFIX) is None


@given(st.none() | st.text(max_size=60))
def test_anything_else_is_none_and_never_an_error(text: str | None) -> None:
    assert offset_of(text, PREFIX) is None or (text is not None and text.startswith(PREFIX))

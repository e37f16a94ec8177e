"""Times as operators read and write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import Refused
from syncd.model.stamp import T_MAX
from syncd.operations.moment import ALLOWED, duration, moment, parse_moment

NOW_MS = 1_763_870_000_123


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("2025-11-23T03:53:20Z", 1_763_870_000_000),
        ("2025-11-23T03:53:20.123", 1_763_870_000_123),
        ("2025-11-23T04:53:20+01:00", 1_763_870_000_000),
        ("2025-11-23", 1_763_856_000_000),
        ("1763870000000", 1_763_870_000_000),
        ("90s", NOW_MS - 90_000),
        ("15m", NOW_MS - 900_000),
        ("2h", NOW_MS - 7_200_000),
        ("3d", NOW_MS - 259_200_000),
        ("999999999d", 0),
    ],
)
def test_times_are_read_in_the_forms_that_are_allowed(text: str, time_ms: int) -> None:
    assert parse_moment(text, now_ms=NOW_MS) == time_ms


@pytest.mark.parametrize(
    "text", ["", "yesterday", "15", "15 m", "-2h", "2025-13-01", "2025-11-23T25:00", "1" * 40, "1969-12-31"]
)
def test_what_is_no_time_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_moment(text, now_ms=NOW_MS)
    assert str(caught.value) == f"{text!r} is no time; allowed: {ALLOWED}"


@given(st.integers(0, 253_402_300_799_999))
def test_every_time_of_the_calendar_is_read_back_as_it_was_shown(time_ms: int) -> None:
    assert parse_moment(moment(time_ms), now_ms=NOW_MS) == time_ms


def test_times_beyond_the_calendar_are_shown_as_numbers() -> None:
    """A device may stamp an event with any 42 bits of ms."""
    assert moment((T_MAX >> 11) * 1_000) == f"{(T_MAX >> 11) * 1_000} ms"


@pytest.mark.parametrize(
    ("duration_ms", "said"),
    [(0, "0 ms"), (999, "999 ms"), (1_000, "1.0 s"), (119_900, "119.9 s"), (120_000, "2.0 min"), (7_200_000, "2.0 h"),
     (172_800_000, "2.0 days")],
)  # fmt: skip
def test_lengths_of_time_are_shown_in_the_unit_that_fits(duration_ms: int, said: str) -> None:
    assert duration(duration_ms) == said

"""One table of close codes, in agreement with the tree of errors, the schemas and the pages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from syncd import errors
from syncd.errors import (
    FencedOut,
    LogUnavailable,
    OffsetExpired,
    Poison,
    PositionLost,
    ProtocolError,
    Refused,
    ShuttingDown,
    SyncdError,
    Unauthenticated,
    Unavailable,
)
from syncd.operations.schemas.documents import error_classes, family_of
from syncd.protocol import close_codes
from syncd.protocol.close_codes import CLOSE_OF, DUTIES, FAMILIES, TABLE, CloseCode, Then, close_of, then
from syncd.protocol.public_text import close_reason
from syncd.protocol.server_session import Broken

ROOT = Path(__file__).parents[3]

# The families of style.md section 5 that close a connection, and the first two digits that they close with.
CLOSING = {Unavailable: 40, PositionLost: 41, Unauthenticated: 42, ProtocolError: 45}


def test_every_constant_is_in_the_table_once() -> None:
    constants = [value for value in vars(close_codes).values() if isinstance(value, CloseCode)]
    assert sorted(constants, key=lambda row: row.code) == list(TABLE)
    assert len({row.code for row in TABLE}) == len(TABLE)
    assert len({row.name for row in TABLE}) == len(TABLE)


def test_reasons_fit_into_a_close_frame() -> None:
    for row in TABLE:
        assert row.reason
        assert close_reason(row.reason) == row.reason


def test_codes_are_allowed_on_the_wire_and_lie_in_a_family() -> None:
    for row in TABLE:
        if row.code < 4000:
            assert 1000 <= row.code <= 1015
        else:
            assert row.code // 100 in FAMILIES


def test_own_codes_do_what_their_family_does_except_the_one_that_costs_the_writer_too() -> None:
    unlike = [row for row in TABLE if row.code >= 4000 and row.then is not FAMILIES[row.code // 100]]
    assert unlike == [close_codes.WRITER_OUTDATED]
    assert unlike[0].then is Then.RENEW_WRITER


@pytest.mark.parametrize(
    ("code", "duty"),
    [
        (1006, Then.RESUME),
        (1012, Then.RESUME),
        (4000, Then.RESUME),
        (4050, Then.RESUME),
        (4101, Then.RENEW_WRITER),
        (4199, Then.SNAPSHOT),
        (4250, Then.RENEW_LOGIN),
        (4599, Then.STAY_AWAY),
        (1009, Then.STAY_AWAY),
        (3000, Then.RESUME),
        (4999, Then.RESUME),
    ],
)
def test_a_client_knows_what_to_do_after_any_code(code: int, duty: Then) -> None:
    assert then(code) is duty


def test_every_duty_is_in_words() -> None:
    assert set(DUTIES) == set(Then)


def test_each_family_of_errors_closes_with_its_codes_and_no_other_family_closes() -> None:
    for error in error_classes():
        closes = close_of(error)
        digits = CLOSING.get(family_of(error))
        assert (closes.code // 100 if closes else None) == digits, error


def test_an_error_closes_like_its_nearest_entry() -> None:
    assert close_of(LogUnavailable) is close_codes.UNAVAILABLE
    assert close_of(ShuttingDown) is close_codes.DRAINING
    assert close_of(OffsetExpired) is close_codes.POSITION_LOST
    assert close_of(Broken) is close_codes.UNREADABLE
    for answered in (Refused, FencedOut, Poison, SyncdError):
        assert close_of(answered) is None


def test_codes_of_errors_are_durable_words_of_their_own() -> None:
    codes = [error.code for error in error_classes()]
    assert len(set(codes)) == len(codes)
    for error in error_classes():
        assert re.fullmatch("[a-z]+(_[a-z]+)*", error.code)
        assert "code" in vars(error), f"{error.__name__} has no code of its own"
        # By hand for each family: only what may pass by itself is worth trying again.
        assert error.retryable is issubclass(error, Unavailable)


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    drawn = re.findall(r"\b[A-Z][a-z]+[A-Za-z]+\b(?=\s{2,}| ·|$)", str(errors.__doc__), re.MULTILINE)
    classes = {error.__name__ for error in error_classes()}
    assert classes <= set(drawn), classes - set(drawn)


def test_the_schema_and_the_pages_tell_every_code() -> None:
    schema = json.loads((ROOT / "schemas" / "close_codes.json").read_text())
    assert {row["code"]: row["name"] for row in schema["codes"]} == {row.code: row.name for row in TABLE}
    page = (ROOT / "docs" / "reference" / "close-codes.md").read_text()
    for row in TABLE:
        assert f"| `{row.code}` | `{row.name}` | {row.reason} | {row.then.value} |" in page
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    for error in error_classes()[1:]:
        assert f"`{error.code}`" in page
    assert set(CLOSE_OF.values()) <= set(TABLE)

"""How commands end: one code for what the next hand should do."""

from __future__ import annotations

from pathlib import Path

from syncd import errors
from syncd.cli import exit_codes

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "exit-codes.md"


def all_errors(of: type[errors.SyncdError] = errors.SyncdError) -> set[type[errors.SyncdError]]:
    return {of}.union(*(all_errors(child) for child in of.__subclasses__()))


def tree() -> set[type[errors.SyncdError]]:
    """The errors of the registry; rooms that carry more facts derive their own from them."""
    return {error for error in all_errors() if error.__module__ == errors.__name__}


def test_every_error_of_the_tree_has_an_exit_code_and_only_its_root_is_a_bug() -> None:
    ends = {error: exit_codes.exit_code(error("why")) for error in tree()}
    assert {error for error, code in ends.items() if code == exit_codes.BUG.code} == {errors.SyncdError}
    assert not {code for code in ends.values() if code < 3}, "0 is success, 1 a negative answer, 2 wrong usage"


def test_the_finer_row_counts() -> None:
    assert exit_codes.exit_code(errors.NotFound("x")) == 5
    assert exit_codes.exit_code(errors.Conflict("x")) == 4
    assert exit_codes.exit_code(errors.ConfigError("x")) == 3


def test_codes_differ_and_fit_into_a_byte() -> None:
    codes = [row.code for row in exit_codes.TABLE]
    assert len(set(codes)) == len(codes)
    assert all(0 <= code < 256 for code in codes)


def test_the_reference_page_is_made_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == exit_codes.reference(), "run `python -m syncd.cli.exit_codes` again"

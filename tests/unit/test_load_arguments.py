"""What commands under `load/` take, and the words in which they refuse the rest."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from load.arguments import command, names_of, sizes


def test_names_and_sizes_are_lists_with_commas() -> None:
    assert names_of({"a": 1, "b": 2})("b,a") == ["b", "a"]
    assert sizes()("1000,10,10") == [10, 1000]


def test_what_is_refused_is_shown_with_what_is_allowed() -> None:
    with pytest.raises(ArgumentTypeError, match="'c' is none of a, b"):
        names_of(["a", "b"])("a,c")
    with pytest.raises(ArgumentTypeError, match="'1k' is not a list of numbers, as 1000,10000"):
        sizes()("1k")
    with pytest.raises(ArgumentTypeError, match="1 is below 2"):
        sizes(least=2)("1,5")


def test_the_usage_is_what_one_types() -> None:
    assert command("load.bench", "About.").format_usage().startswith("usage: python -m load.bench ")

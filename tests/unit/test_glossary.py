"""The glossary's words live where it says."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "glossary.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| word ")
]
HOMES = sorted({row[2].strip("`") for row in ROWS})


def test_every_row_has_four_cells_and_every_word_one_row() -> None:
    assert len(ROWS) > 50
    assert {len(row) for row in ROWS} == {4}
    assert [word for word, count in Counter(row[0] for row in ROWS).items() if count > 1] == []


@pytest.mark.parametrize("home", HOMES)
def test_a_word_is_at_home_where_the_glossary_says(home: str) -> None:
    assert re.fullmatch(r"[\w.]+", home)
    parts = home.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(["syncd", *parts[:length]]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            found = getattr(found, name)
        return
    raise AssertionError(f"there is no module syncd.{home}")

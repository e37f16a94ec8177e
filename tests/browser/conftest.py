"""Tests of pages in a real browser."""

from __future__ import annotations

import pytest
from tabs import program


@pytest.fixture(autouse=True)
def _needs_a_browser() -> None:
    try:
        program()
    except FileNotFoundError as error:
        pytest.skip(str(error))

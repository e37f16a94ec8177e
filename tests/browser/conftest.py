"""Tests of pages in a real browser."""

from __future__ import annotations

import pytest
from stage import Stage
from tabs import program


@pytest.fixture(autouse=True)
def _needs_a_browser() -> None:
    try:
        program()
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture
def stage(postgres_dsn: str) -> Stage:
    """Dark, until `on_stage` lights it."""
    return Stage(postgres_dsn)

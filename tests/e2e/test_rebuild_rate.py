"""The short form of `python -m load.rebuild_rate`: a rebuild by its command, while SDK devices emit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from load.rebuild_rate import run
from load.report import Progress

EVENTS = 3_000

pytestmark = pytest.mark.e2e


def test_a_rebuild_under_traffic_ends_with_equal_digests_and_no_missed_event(postgres_dsn: str, tmp_path: Path) -> None:
    figures = asyncio.run(run(postgres_dsn, tmp_path, events=EVENTS, progress=Progress("events", EVENTS)))
    assert figures.problems == []
    assert figures.swapped > 0
    assert figures.emitted > 0
    assert [rate.events >= EVENTS for rate in figures.rates] == [True] * 4

"""The short form of `python -m load.rebuild_rate`: a rebuild by its command, while SDK devices emit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from load.rebuild_rate import AS_COMMITTED, ONCE, run
from load.report import Progress

EVENTS = 3_000

pytestmark = pytest.mark.e2e


def test_a_rebuild_under_traffic_ends_with_equal_digests_and_no_missed_event(postgres_dsn: str, tmp_path: Path) -> None:
    figures = asyncio.run(run(postgres_dsn, tmp_path, events=EVENTS, progress=Progress("events", EVENTS)))
    assert figures.problems == []
    assert figures.swapped > 0
    assert figures.emitted > 0
    ways = [rate.way for rate in figures.rates if "from its first commit on" not in rate.way]
    assert ways == [AS_COMMITTED, "projector", AS_COMMITTED, "rebuild", AS_COMMITTED, ONCE]
    assert all(rate.events >= EVENTS for rate in figures.rates if rate.way in ways)

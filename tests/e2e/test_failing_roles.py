"""Every role, the broker and the database fail under devices that work, and no promise is broken.

The long run, and its figures: `python -m load.failures`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from load.failures import report, run_failures
from load.report import Progress
from syncd.testing.kafka import KafkaMissing, running_kafka


def test_each_role_is_killed_frozen_and_stopped_and_nothing_is_lost_doubled_or_leaked(
    postgres_admin_dsn: str, tmp_path: Path
) -> None:
    try:
        with running_kafka(tmp_path / "kafka") as broker:
            figures = asyncio.run(
                run_failures(
                    postgres_admin_dsn, broker, tmp_path, devices=8, freeze_s=0.5, away_s=3.0, calm_s=0.3, seed=11,
                    progress=Progress("failures", 13),
                )
            )  # fmt: skip
    except KafkaMissing as error:
        pytest.skip(str(error))
    report(figures)  # to be looked at, with `-s`, and judged by nobody: a busy machine has times of its own
    assert figures.problems == []
    assert figures.gateway_resumed_ms_p99 > 0
    assert figures.projector_moving_ms > 0
    assert figures.broker_first_ack_ms > 0
    assert figures.acked + figures.found == figures.events > 100
    assert figures.acked > figures.events / 2
    assert figures.projector_acks > 0

"""The adapters of the peers, against the peers themselves: what is sent arrives, and what was missed comes after.

Skipped where the machine has no program to get them with; the bench then names them as missing, too.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from load.generator.job import Job, Wrong
from load.generator.runs import run
from load.peers import PEERS
from load.peers.peer import Place
from load.scenarios import Deliveries, Scenario, Storm

SHORT = Deliveries(accounts=3, in_flight=4, warmup_s=0.1, seconds=0.3)
LITTLE_STORM = Storm(accounts=2, devices=3, missed=3, away_s=0.3)
NEEDS = {"socket-io": "npm", "nats": "go", "centrifuge": "go"}


@pytest.mark.parametrize("name", NEEDS)
def test_a_peer_delivers_everything_once_and_recovers_what_a_device_missed(name: str, tmp_path: Path) -> None:
    if shutil.which(NEEDS[name]) is None:
        pytest.skip(f"this machine has no {NEEDS[name]}, which {name} is fetched or built with")
    peer = PEERS[name]
    peer.prepare()
    for scenario in (SHORT, LITTLE_STORM):
        folder = tmp_path / type(scenario).__name__
        folder.mkdir()
        _carry_out(name, scenario, folder)


def _carry_out(name: str, scenario: Scenario, folder: Path) -> None:
    with PEERS[name].run(Place(folder, core=None), scenario) as running:
        job = Job(
            adapter=running.adapter, host=running.host, port=running.port, scenario=scenario,
            processes=running.processes, logins=running.logins,
        )  # fmt: skip
        outcome = asyncio.run(run(job, lambda _: None))
    assert outcome.wrong == Wrong(), outcome.remarks
    if isinstance(scenario, Storm):
        assert outcome.figures["resumes"] == 4
        assert outcome.deliveries == 4 * scenario.missed
    else:
        assert outcome.deliveries > 0

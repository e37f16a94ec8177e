"""The adapters of the peers, against the peers themselves: what is sent arrives, and what was missed comes after.

Skipped where the machine has no program to get them with; the bench then names them as missing, too.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from load.generator.job import Job, Outcome, Wrong
from load.generator.runs import run
from load.peers import PEERS
from load.peers.peer import GET_TIMEOUT_S, Missing, Place
from load.scenarios import Deliveries, Folding, Paced, Scenario, Storm
from syncd import compiled

SHORT = Deliveries(accounts=3, in_flight=4, warmup_s=0.1, seconds=0.3)
PACED = Paced(rate=50, accounts=2, warmup_s=0.1, seconds=0.5)
LITTLE_STORM = Storm(accounts=2, devices=3, missed=3, away_s=0.3)
NEEDS = {"socket-io": "npm", "nats": "go", "centrifuge": "go"}


@pytest.mark.timeout(2 * GET_TIMEOUT_S)
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


def test_kafka_alone_brings_every_record_to_whom_it_is_owed(tmp_path: Path) -> None:
    try:
        PEERS["bare-kafka"].prepare()
    except Missing as missing:
        pytest.skip(str(missing))
    _carry_out("bare-kafka", PACED, tmp_path)


@pytest.mark.parametrize("name", ["syncd-plain", "syncd-kafka-plain"])
def test_without_a_build_the_plain_peer_is_missing_and_not_measured_twice(name: str) -> None:
    assert not compiled.IS_COMPILED, "tests run the sources"
    with pytest.raises(Missing, match="make compiled"):
        PEERS[name].prepare()


def test_records_are_folded_and_rebuilt_at_a_rate(tmp_path: Path) -> None:
    figures = _carry_out("syncd", Folding(records=2_000), tmp_path).figures
    assert figures["records"] == 2_000
    assert figures["folded per CPU s of the projector"] > 0
    assert figures["rebuilt per CPU s of the command"] > 0


def _carry_out(name: str, scenario: Scenario, folder: Path) -> Outcome:
    """Carry out a scenario in this process; nothing may be lost, doubled or refused."""
    with PEERS[name].run(Place(folder, core=None), scenario) as running:
        job = Job(
            adapter=running.adapter, host=running.host, port=running.port, scenario=scenario,
            processes=running.processes, logins=running.logins, data_dir=running.data_dir,
        )  # fmt: skip
        outcome = asyncio.run(run(job, lambda _: None))
    assert outcome.wrong == Wrong(), outcome.remarks
    if isinstance(scenario, Storm):
        assert outcome.figures["resumes"] == 4
        assert outcome.deliveries == 4 * scenario.missed
    else:
        assert isinstance(scenario, Folding) or outcome.deliveries > 0
    return outcome

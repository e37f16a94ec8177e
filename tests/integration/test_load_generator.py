"""The load generator counts rightly: against relays that lose or repeat a message, it says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from load.generator.job import Job, Outcome, Wrong
from load.generator.runs import run
from load.peers.relay_websockets import Relay
from load.scenarios import Deliveries, Paced, Scenario
from syncd.testing.patience import PATIENCE_S


def paced(rate: float) -> Paced:
    return Paced(rate=rate, accounts=3, warmup_s=0.05, seconds=0.2)


class FaultyRelay(Relay):
    """Does to the tenth message what `fault` says, by how often its deliveries and its ack are sent."""

    seen = 0
    deliveries, acks = 1, 1

    def deliver(self, framed: bytes, ack: bytes) -> None:
        kind = type(self)
        kind.seen += 1
        times, acks = (kind.deliveries, kind.acks) if kind.seen == 10 else (1, 1)
        for other in self.others:
            for _ in range(times):
                other.transport.write(framed)
        for _ in range(acks):
            self.transport.write(ack)


def faulty(*, deliveries: int = 1, acks: int = 1) -> type[Relay]:
    return type("Faulty", (FaultyRelay,), {"deliveries": deliveries, "acks": acks, "seen": 0})


@asynccontextmanager
async def serving(relay: Callable[[], asyncio.Protocol]) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(relay, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def outcome_of(relay: Callable[[], asyncio.Protocol], scenario: Scenario, *, drain_s: float = PATIENCE_S) -> Outcome:
    """`drain_s`: for what is still owed when the window ends; less where something will never come."""

    async def go() -> Outcome:
        async with serving(relay) as port:
            job = Job(adapter="relay", host="127.0.0.1", port=port, scenario=scenario, processes=[])
            return await run(job, lambda _: None, drain_timeout_s=drain_s)

    return asyncio.run(go())


@pytest.mark.parametrize("scenario", [Deliveries(in_flight=4, accounts=3, warmup_s=0.05, seconds=0.2), paced(500)])
def test_a_relay_that_does_its_work_is_found_to_do_it(scenario: Scenario) -> None:
    outcome = outcome_of(Relay, scenario)
    assert outcome.wrong == Wrong()
    assert outcome.events > 0
    if isinstance(scenario, Deliveries):  # how many cross the window's borders is bounded by what is in flight
        assert abs(outcome.deliveries - 2 * outcome.events) <= 2 * 20
    assert outcome.latency is not None
    assert outcome.latency.count == outcome.deliveries


@pytest.mark.parametrize(
    ("relay", "wrong"),
    [
        (faulty(deliveries=0), Wrong(missing=2)),
        (faulty(deliveries=2), Wrong(doubled=2)),
        (faulty(acks=0), Wrong(unacked=1)),
        (faulty(acks=2), Wrong(doubled=1)),
    ],
)
def test_one_message_lost_or_repeated_among_hundreds_is_told(relay: type[Relay], wrong: Wrong) -> None:
    outcome = outcome_of(relay, paced(300), drain_s=2.0)
    assert outcome.wrong == wrong
    assert any(remark.startswith("wrong: ") for remark in outcome.remarks)


def test_a_delivery_to_another_account_is_told() -> None:
    class Leaking(Relay):
        everybody: set[Relay] = set()

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self.everybody.add(self)

        def deliver(self, framed: bytes, ack: bytes) -> None:
            for other in self.everybody - {self}:
                other.transport.write(framed)
            self.transport.write(ack)

    outcome = outcome_of(Leaking, paced(100))
    assert outcome.wrong.strayed > 0
    assert outcome.wrong.missing == 0


def test_a_server_that_hangs_up_is_told() -> None:
    class Leaver(Relay):
        def deliver(self, framed: bytes, ack: bytes) -> None:
            self.transport.abort()

    outcome = outcome_of(Leaver, paced(100), drain_s=0.05)
    assert outcome.wrong.closed > 0
    assert any("closed the connection" in remark for remark in outcome.remarks)


def test_a_server_that_stalls_is_charged_for_what_it_held_up() -> None:
    """Coordinated omission: one pause of 100 ms delays every event that is due in it, not only the one that waits."""

    class Stalling(Relay):
        seen = 0

        def deliver(self, framed: bytes, ack: bytes) -> None:
            Stalling.seen += 1
            if Stalling.seen == 50:
                time.sleep(0.1)
            super().deliver(framed, ack)

    # Server and generator share this loop, so the pause also holds up the sending.
    outcome = outcome_of(Stalling, paced(500))
    assert outcome.latency is not None
    assert outcome.latency.at(0.9) > 20, "a fifth of all events was due in the pause"


def arrivals(*homes: str) -> tuple[dict[int, set[str]], Wrong]:
    """Which accounts two relays saw; `homes` names for each account the relays, 0 and 1, that its devices come to."""
    seen: dict[int, set[str]] = {0: set(), 1: set()}

    def noting(home: int) -> type[Relay]:
        class Noting(Relay):
            def data_received(self, data: bytes) -> None:
                if data.startswith(b"GET "):
                    seen[home].add(data.split()[1].decode())
                super().data_received(data)

        return Noting

    async def go() -> Outcome:
        async with serving(noting(0)) as first, serving(noting(1)) as second:
            ports = [[(first, second)[int(relay)] for relay in each] for each in homes]
            job = Job(adapter="relay", host="127.0.0.1", port=0, scenario=paced(200), processes=[], homes=ports)
            return await run(job, lambda _: None, drain_timeout_s=PATIENCE_S)

    return seen, asyncio.run(go()).wrong


def test_each_account_comes_to_the_port_of_its_home() -> None:
    assert arrivals("0", "1", "0") == ({0: {"/0", "/2"}, 1: {"/1"}}, Wrong())


def test_devices_of_an_account_may_be_dealt_over_ports() -> None:
    assert arrivals("0", "1", "01") == ({0: {"/0", "/2"}, 1: {"/1", "/2"}}, Wrong())

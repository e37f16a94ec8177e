"""Kafka without anything in front of it: the limit of what keeps its log there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from load.peers.peer import Missing, Place, Running
from load.peers.pinned import pin
from load.processes import ProcessGroup
from load.scenarios import Paced, Scenario
from syncd.testing.kafka import KafkaMissing, fetch_jars, running_kafka


class BareKafka:
    """A broker; its one client is the generator."""

    name = "bare-kafka"
    about = "Kafka 4.1 alone, acks=all: from aiokafka's produce to its consume, without any server"

    def prepare(self) -> None:
        try:
            fetch_jars()
        except KafkaMissing as error:
            raise Missing(str(error)) from error

    def lacks(self, scenario: Scenario) -> str | None:
        return None if isinstance(scenario, Paced) else "its client is the generator: only latencies mean anything"

    @contextmanager
    def run(self, place: Place, scenario: Scenario) -> Iterator[Running]:
        with running_kafka(place.folder / "kafka") as broker:
            if place.core is not None:
                pin(broker.pid, place.core)
            host, _, port = broker.address.rpartition(":")
            yield Running("kafka", int(port), [ProcessGroup("kafka", broker.pid)], host=host)

"""What the generator is told on stdin, and what it answers on stdout: JSON, one message a line."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from load.processes import ProcessGroup
from load.scenarios import Scenario


class Job(Struct, frozen=True, kw_only=True):
    """One cell of a run: a scenario against a server that is ready.

    Attributes:
        adapter: how to speak to it, a key of `ADAPTERS`.
        scenario: what to do.
        logins: per account the secrets of its devices; none where a server asks for none.
        data_dir: of a syncd on this machine, whose log the generator may write into itself.
        homes: per account the ports that its devices come to, in turn; none where all come to `port`.
        metrics_url: where syncd's gateway counts its statements.
        processes: the server's, whose processor time is taken. The first is the one that holds the connections.
    """

    adapter: str
    host: str
    port: int
    scenario: Scenario
    processes: list[ProcessGroup]
    logins: list[list[str]] = []
    homes: list[list[int]] = []
    data_dir: str | None = None
    metrics_url: str | None = None


class Step(Struct, frozen=True, tag="step"):
    """How far it is: `done` of `total` of what `phase` names."""

    phase: str
    done: float
    total: float


class Wrong(Struct, frozen=True):
    """What must not be: all zeros in a run that counts.

    Attributes:
        unacked: events whose ack did not come.
        missing: deliveries that did not come.
        doubled: deliveries and acks that came once more.
        strayed: deliveries to a device of another account, to the sender itself, or of events nobody sent.
        refused: answers that say no.
        closed: connections that ended.
    """

    unacked: int = 0
    missing: int = 0
    doubled: int = 0
    strayed: int = 0
    refused: int = 0
    closed: int = 0

    def __bool__(self) -> bool:
        return any(getattr(self, field) for field in self.__struct_fields__)


class Spread(Struct, frozen=True):
    """How samples are distributed.

    Attributes:
        quantiles_ms: (share, ms) pairs, shares ascending; the last one is 1.0, the largest sample.
    """

    count: int
    mean_ms: float
    quantiles_ms: list[tuple[float, float]]

    def at(self, share: float) -> float:
        """The quantile of one of the shares that were kept, ms."""
        return dict(self.quantiles_ms)[share]


class Outcome(Struct, frozen=True, tag="outcome", kw_only=True):
    """What came of a job.

    Attributes:
        window_s: how long was measured; the counts, processor times and distributions are of this time.
        cpu_s: of each of the server's processes.
        generator_cpu_s: of the generator itself. Near `window_s` it was the bottleneck.
        latency: device to device. In an open loop from when the event was due.
        ack: device to server and back, from the same moment.
        lateness: by how much events left later than due; open loops only.
        figures: what else the scenario is about, by name and unit.
        bytes_received: of all devices, frames included.
        wrong: over the whole run, warm-up and drain included.
        remarks: what a reader of the figures must know.
    """

    window_s: float
    events: int
    acks: int
    deliveries: int
    bytes_received: int
    cpu_s: dict[str, float]
    generator_cpu_s: float
    latency: Spread | None = None
    ack: Spread | None = None
    lateness: Spread | None = None
    figures: dict[str, float] = {}
    wrong: Wrong = Wrong()
    remarks: list[str] = []


class Failed(Struct, frozen=True, tag="failed"):
    """The job could not be done; nothing was measured."""

    reason: str


Said: TypeAlias = Step | Outcome | Failed

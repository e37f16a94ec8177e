"""What a run does to a server, as data: the generator carries it out, `load.bench` chooses and reports.

Every scenario connects `accounts` times `devices` devices first. An event is `EVENT_BYTES` long as its device sends it;
it is owed to every other device of its account, and its own device is owed an ack.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

EVENT_BYTES = 150
"""One event as sent: syncd's event object in an emit, a peer's whole payload."""


class Deliveries(Struct, frozen=True, tag="deliveries", kw_only=True):
    """As many deliveries as the server can make: a closed loop, the next event leaves when one has arrived everywhere.

    Attributes:
        in_flight: events that are under way at any time.
        warmup_s: at the start, not measured: caches fill, Python specialises, writers' ledgers load.
        seconds: of measuring.
    """

    accounts: int = 1_000
    devices: int = 3
    in_flight: int = 64
    warmup_s: float = 2.0
    seconds: float = 6.0


class Paced(Struct, frozen=True, tag="paced", kw_only=True):
    """Events leave at fixed times, whatever the server does: an open loop.

    Latencies count from the time an event was due, not from when it left: a server, or a generator, that stalls is
    charged for everything it held up (coordinated omission).

    Attributes:
        rate: events a second, over all accounts, at equal distances, each from a device drawn at random.
        zipf: 0 draws every account alike; else the n-th account is drawn with a chance in proportion to 1 / n^zipf.
        burst: so many events leave at each of those times, from one device, as when somebody drags a slider; the rate
            stays what it is.
    """

    rate: float
    accounts: int = 1_000
    devices: int = 3
    zipf: float = 0.0
    burst: int = 1
    warmup_s: float = 2.0
    seconds: float = 6.0


class Idle(Struct, frozen=True, tag="idle", kw_only=True):
    """Connections that say nothing: what each costs in memory.

    Attributes:
        settle_s: between the last connect and the second look at the server's memory.
    """

    accounts: int = 5_000
    devices: int = 2
    settle_s: float = 3.0


class Storm(Struct, frozen=True, tag="storm", kw_only=True):
    """All devices but one of each account lose their connection, miss some events, and come back in one moment.

    Attributes:
        devices: of an account; the last one stays, and is who sends.
        missed: events that each of the others missed.
        away_s: between the loss and the events, so that every server has noticed.
        calm_s: between the events and the storm; a profiler needs a moment to attach.
    """

    accounts: int = 1_000
    devices: int = 4
    missed: int = 10
    away_s: float = 1.0
    calm_s: float = 0.0


class Opening(Struct, frozen=True, tag="opening", kw_only=True):
    """New devices open one long playlist, one after the other. syncd only: others have no playlists.

    Attributes:
        devices: how many open it, beside the one that wrote it.
    """

    items: int = 10_000
    accounts: int = 1
    devices: int = 10


class Folding(Struct, frozen=True, tag="folding", kw_only=True):
    """Records of a thousand listeners are written into the log; the projector folds them, then `syncd rebuild` reads
    them again. syncd only: others have no state that is made of events.
    """

    records: int = 100_000
    accounts: int = 1
    devices: int = 1


OWN = Opening | Folding
"""What nobody but syncd can do."""
Scenario: TypeAlias = Deliveries | Paced | Idle | Storm | Opening | Folding

SCENARIOS: dict[str, Scenario] = {
    "deliveries-64": Deliveries(in_flight=64),
    "deliveries-512": Deliveries(in_flight=512),
    "paced-2000": Paced(rate=2_000),
    "paced-5000": Paced(rate=5_000),
    "idle-10000": Idle(),
    "storm-3000": Storm(),
    "household-50": Paced(rate=20, accounts=1, devices=50),
    "playlist-10000": Opening(),
    "folding-100000": Folding(),
    "mixed-day": Paced(rate=1_000, zipf=1.1, burst=10),
}
"""By the names that the command line and reports use."""

CURVES: dict[str, Scenario] = {
    **{f"connections-{3 * accounts}": Deliveries(accounts=accounts) for accounts in (333, 1_000, 3_333)},
    **{f"devices-{devices}": Deliveries(accounts=600 // devices, devices=devices) for devices in (2, 5, 20, 50)},
}
"""The same work over more connections, and over more devices of an account: what grows with them shows in the cost."""

SMOKE: dict[str, Scenario] = {"smoke": Deliveries(accounts=3, in_flight=4, warmup_s=0.1, seconds=0.3)}
"""Nothing to measure by: whether a server and its adapter work at all."""

ALL: dict[str, Scenario] = {**SCENARIOS, **CURVES, **SMOKE}

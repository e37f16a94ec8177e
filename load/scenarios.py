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
    """

    rate: float
    accounts: int = 1_000
    devices: int = 3
    warmup_s: float = 2.0
    seconds: float = 6.0


Scenario: TypeAlias = Deliveries | Paced

SCENARIOS: dict[str, Scenario] = {
    "deliveries-64": Deliveries(in_flight=64),
    "deliveries-512": Deliveries(in_flight=512),
    "paced-2000": Paced(rate=2_000),
    "paced-5000": Paced(rate=5_000),
}
"""By the names that the command line and reports use."""

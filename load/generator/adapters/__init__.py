"""How to speak to each server: an adapter makes devices of it."""

from __future__ import annotations

from collections.abc import Callable

from load.generator.adapters.centrifugo import CentrifugoDevice
from load.generator.adapters.kafka import KafkaDevice
from load.generator.adapters.nats import NatsDevice
from load.generator.adapters.relay import RelayDevice
from load.generator.adapters.socket_io import SocketIoDevice
from load.generator.adapters.syncd import SyncdDevice
from load.generator.device import Device, Seat
from load.generator.tally import Tally

ADAPTERS: dict[str, Callable[[Tally, Seat], Device]] = {
    "syncd": SyncdDevice,
    "relay": RelayDevice,
    "socket-io": SocketIoDevice,
    "nats": NatsDevice,
    "kafka": KafkaDevice,
    "centrifugo": CentrifugoDevice,
}

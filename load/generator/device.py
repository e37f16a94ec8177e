"""One simulated device: what every adapter offers to the runs."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from load.generator.tally import Tally
from load.generator.websocket import WebSocket


class Seat(Struct, frozen=True):
    """Which device it is.

    Attributes:
        account, index: of the account, and within it.
        devices: how many the account has.
        login: its secret, where the server asks for one.
    """

    account: int
    index: int
    devices: int
    login: str = ""

    @property
    def bit(self) -> int:
        """Its own, among those of its account's devices."""
        return 1 << self.index

    @property
    def others(self) -> int:
        """The bits of the account's other devices."""
        return (1 << self.devices) - 1 - self.bit


class Device(Protocol):
    """A connected device.

    It reports to its tally: `sent` before an event leaves, `delivered` and `acked` for what comes.
    """

    async def connect(self, host: str, port: int) -> None:
        """Log in and subscribe; returns when the device gets what is sent from now on. Raises `ConnectionError`.

        After a `close` it comes back where it was, and what it missed follows as deliveries.
        """

    def emit(self, due_ns: int) -> None:
        """Send the next event."""

    def close(self) -> None:
        """Lose the connection, without a word. Twice is harmless."""


class WebSocketDevice(WebSocket):
    """What adapters over websockets share."""

    def __init__(self, tally: Tally, seat: Seat, *, path: str, subprotocol: str | None = None) -> None:
        super().__init__(path=path, subprotocol=subprotocol)
        self.tally = tally
        self.seat = seat
        self.account = seat.account
        self.bit = seat.bit
        self.others = seat.others

    def received(self, count: int) -> None:
        self.tally.bytes_received += count

    def lost(self, why: str) -> None:
        self.tally.closed += 1
        self.tally.refuse(why)

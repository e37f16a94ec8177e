"""Who is owed what: every event by its name, every delivery and every ack, each exactly once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable

from load.generator.job import Wrong

ACK = 1 << 62
"""The bit of the sender's ack, beside one bit for each device of the account."""


class Tally:
    """Counts what arrives against what was sent.

    Attributes:
        acks, deliveries: how many came as they should.
        acked_ns, delivered_ns: how long each took, from the time its event was due; collected while `measuring`.
        on_arrived: called when an event has arrived everywhere.
        refused, closed, bytes_received: counted by adapters.
        endings: what devices of an adapter share, and ends with the run.
    """

    def __init__(self) -> None:
        self.measuring = False
        self.acks = 0
        self.deliveries = 0
        self.acked_ns: list[int] = []
        self.delivered_ns: list[int] = []
        self.on_arrived: Callable[[], None] | None = None
        self.refused = 0
        self.closed = 0
        self.bytes_received = 0
        self.refusals: list[str] = []
        self.endings: list[Callable[[], Awaitable[None]]] = []
        self._doubled = 0
        self._strayed = 0
        # name -> [due, bits that are still owed, account]. A list, because it changes on every arrival.
        self._owed: dict[Hashable, list[int]] = {}
        self._settled: dict[Hashable, int] = {}

    @property
    def under_way(self) -> int:
        """Events that have not arrived everywhere."""
        return len(self._owed)

    def sent(self, event: Hashable, account: int, *, due_ns: int, owed: int) -> None:
        """An event leaves. `owed`: the bits of the devices that shall get it; the ack's is added here."""
        self._owed[event] = [due_ns, owed | ACK, account]

    def delivered(self, event: Hashable, account: int, bit: int, now_ns: int) -> None:
        """A device of `account` was told of the event."""
        owed = self._owed.get(event)
        if owed is None:
            if self._settled.get(event) == account:
                self._doubled += 1
            else:
                self._strayed += 1
        elif owed[1] & bit and owed[2] == account:
            owed[1] ^= bit
            self.deliveries += 1
            if self.measuring:
                self.delivered_ns.append(now_ns - owed[0])
            if not owed[1]:
                self._arrived(event, account)
        elif owed[2] == account:
            self._doubled += 1
        else:
            self._strayed += 1

    def acked(self, event: Hashable, now_ns: int) -> None:
        """The sender was told that the server has it."""
        owed = self._owed.get(event)
        if owed is None or not owed[1] & ACK:
            if owed is None and event not in self._settled:
                self._strayed += 1
            else:
                self._doubled += 1
            return
        owed[1] ^= ACK
        self.acks += 1
        if self.measuring:
            self.acked_ns.append(now_ns - owed[0])
        if not owed[1]:
            self._arrived(event, owed[2])

    def refuse(self, why: str) -> None:
        """The server said no to something; a few of the reasons are kept."""
        self.refused += 1
        if len(self.refusals) < 3:
            self.refusals.append(why)

    def wrong(self) -> Wrong:
        """What is amiss, counting everything as lost that has not come by now."""
        owed = self._owed.values()
        return Wrong(
            unacked=sum(bool(bits & ACK) for _, bits, _ in owed),
            missing=sum((bits & ~ACK).bit_count() for _, bits, _ in owed),
            doubled=self._doubled,
            strayed=self._strayed,
            refused=self.refused,
            closed=self.closed,
        )

    def _arrived(self, event: Hashable, account: int) -> None:
        del self._owed[event]
        self._settled[event] = account
        if self.on_arrived is not None:
            self.on_arrived()

"""One event that this store made, from its making to its answer.

It keeps its identity while its names change: a fresh writer renumbers it, a corrected clock restamps it, admission may
raise its time. Whoever holds it, to undo it or to wait for it, always sees what it is called now.
"""

from __future__ import annotations

from enum import Enum

from syncd.model.cells import Cells
from syncd.model.events import Event
from syncd.model.ids import EventId, event_id
from syncd.model.lowering import lower
from syncd.model.restamp import Pending
from syncd.protocol.messages import Nack


class Outcome(Enum):
    """How far an own event got.

    PENDING --ack--> ADMITTED, or --nack--> REFUSED, or --orphan--> REISSUED as another event. GONE: another process of
    the same store got the answer.
    """

    PENDING = "pending"
    ADMITTED = "admitted"
    REFUSED = "refused"
    REISSUED = "reissued"
    GONE = "gone"


class OwnEvent:
    """See the module's first lines.

    Attributes:
        n: its place among all that this store ever made, on any stream.
        pending: as it was minted or last rewritten.
        event: as it stands now; after admission, as admitted.
        cells: what `event` writes.
        refusal: the answer of an event that was refused.
    """

    __slots__ = ("cells", "event", "n", "outcome", "pending", "refusal")

    def __init__(self, n: int, pending: Pending, writer: str) -> None:
        self.n = n
        self.outcome = Outcome.PENDING
        self.refusal: Nack | None = None
        self.become(pending, writer)

    def become(self, pending: Pending, writer: str) -> None:
        """Take other names, or another time."""
        self.pending = pending
        self._stand_as(Event(pending.stream, writer, pending.seq, pending.t, pending.kind, pending.data))

    def admitted(self, t: int) -> None:
        """It is durable, with this time."""
        self.outcome = Outcome.ADMITTED
        if t != self.event.t:
            event = self.event
            self._stand_as(Event(event.stream, event.writer, event.seq, t, event.kind, event.data))

    @property
    def id(self) -> EventId:
        """Its event id now."""
        return event_id(self.event.writer, self.event.seq)

    def _stand_as(self, event: Event) -> None:
        self.event = event
        self.cells: Cells = lower(event)

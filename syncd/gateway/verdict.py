"""What admission says of one event."""

from __future__ import annotations

from msgspec import Struct

from syncd.gateway.ledger import Answer
from syncd.log.record import Record
from syncd.protocol.messages import Nack
from syncd.push.entry import Entry


class Admission(Struct, frozen=True, gc=False):
    """A record for the log, and the entry it will be once it has an offset.

    Attributes:
        nack: what answers it, when a void.
        clamped: whether the event said a later time than it was given.
    """

    record: Record
    entry: Entry
    nack: Nack | None
    clamped: bool


class Repeat(Struct, frozen=True):
    """The seq is durable already. `answer` is None when it is so old that the log must be asked."""

    seq: int
    answer: Answer | None


class UnderWay:
    """The seq was given to the log and is not answered yet; its answer will come."""


UNDER_WAY = UnderWay()
Verdict = Admission | Repeat | UnderWay | Nack | None
"""None: dropped without an answer (behind a gap that was told)."""

"""An admitted event on its way to the log, and where its answer goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from syncd.gateway.ledger import StreamLedger
from syncd.log.record import Record
from syncd.push.entry import Entry

if TYPE_CHECKING:
    from syncd.gateway.conversation import Conversation

Key: TypeAlias = tuple[str, str, int]
"""(writer, stream, seq) of an event."""


class Pending(Struct, eq=False):
    """An admitted event on its way to the log, and where its answer goes."""

    record: Record
    entry: Entry
    origin: Conversation
    ledger: StreamLedger

    @property
    def key(self) -> Key:
        record = self.record
        return record.writer, record.stream, record.seq

"""Which own events leave next, on one connection.

Events leave in the order they were made, over all streams: admission lets a writer's times only rise, so an event of
one stream that overtook an older one of another would make the older one late. An event whose stream is not in step yet
holds up those behind it; so does one that was told `unavailable`, until it is tried again.

Numbers that the server knows already go first, and alone, until all of them are answered. An answer may tell that
another life of this store has used them for something else: then everything gets other names, and nothing may be under
way that was called by the old ones.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from msgspec import Raw

from syncd.client.outbox import Outbox
from syncd.client.own_event import Outcome, OwnEvent
from syncd.limits import EMIT_EVENTS_MAX, FRAME_BYTES_MAX
from syncd.model.canonical import canonical
from syncd.protocol.client_session import ClientSession, StreamState
from syncd.protocol.codec import Codec
from syncd.protocol.messages import EmittedEvent

IN_FLIGHT_MAX = EMIT_EVENTS_MAX
"""Events without an answer on one connection: as many acks as a gateway keeps for a slow reader (`SLOW_ACKS_MAX`)."""
EMIT_BYTES_MAX = FRAME_BYTES_MAX // 2
"""Of the events' data in one emit; envelopes fit in the other half, and so does one event of the largest size."""
RETRY_S_FIRST = 0.5
"""After the first `unavailable`; doubled each time."""
RETRY_S_MAX = 10.0
"""However long the log is away, it is asked again this often."""

_SENDABLE = (StreamState.LIVE, StreamState.REFUSED)
"""A refused stream takes its events' answers all the same: the gateway says why, event by event."""


class Sending:
    """See the module's first lines.

    Attributes:
        begun: whether this connection may send at all: we know who we are, and everything owed is in step.
    """

    def __init__(self, outbox: Outbox, session: ClientSession, rng: random.Random) -> None:
        self.begun = False
        self._outbox = outbox
        self._session = session
        self._rng = rng
        self._known: list[OwnEvent] = []
        self._retries: dict[str, int] = {}
        self._not_before_s: dict[str, float] = {}

    def begin(self) -> None:
        """All that is owed is in step, and has the names it will be sent with: from now on it may leave."""
        held = self._session.next_seqs
        self._known = [event for event in self._outbox if event.pending.seq < held.get(event.pending.stream, 1)]
        self.begun = True

    def next(self, *, now_s: float) -> list[OwnEvent]:
        """The events of the next emit; empty when nothing may leave now."""
        batch: list[OwnEvent] = []
        room = IN_FLIGHT_MAX - self._session.events_in_flight
        size = 0
        for event in self._known_first():
            stream, seq = event.pending.stream, event.pending.seq
            if self._session.in_flight(stream, seq):
                continue
            if len(batch) >= room or not self.open(stream, now_s=now_s):
                break
            size += len(canonical(event.pending.data))
            if batch and size > EMIT_BYTES_MAX:
                break
            batch.append(event)
        return batch

    def open(self, stream: str, *, now_s: float) -> bool:
        """Whether events of this stream may leave now."""
        return (
            self.begun
            and self._session.streams.get(stream) in _SENDABLE
            and now_s >= self._not_before_s.get(stream, now_s)
        )

    def leaves_now(self, stream: str, *, now_s: float) -> bool:
        """Whether an event made now would be sent at once: its stream is open, and nothing waits before it."""
        waiting = len(self._outbox) - self._session.events_in_flight
        return self.open(stream, now_s=now_s) and not waiting and self._known_first() is self._outbox

    def unavailable(self, stream: str, *, now_s: float) -> None:
        """The log did not take an event of this stream: wait before trying again."""
        retries = self._retries[stream] = self._retries.get(stream, 0) + 1
        delay_s = min(RETRY_S_MAX, RETRY_S_FIRST * 2.0 ** min(retries - 1, 16))
        self._not_before_s[stream] = now_s + delay_s * (0.5 + self._rng.random() / 2)

    def answered(self, stream: str) -> None:
        """An event of this stream was taken."""
        if self._retries.pop(stream, None) is not None:
            self._not_before_s.pop(stream, None)

    def wait_s(self, *, now_s: float) -> float | None:
        """How long until a stream that was told `unavailable` may be tried again; None when there is none."""
        waits = [until_s - now_s for until_s in self._not_before_s.values() if until_s > now_s]
        return min(waits, default=None)

    # --- inside ---

    def _known_first(self) -> Iterable[OwnEvent]:
        """What may leave: while the server has not answered for what it knows, only that."""
        self._known = [event for event in self._known if event.outcome is Outcome.PENDING]
        return self._known or self._outbox


def wire_event(event: OwnEvent, codec: Codec) -> EmittedEvent:
    """An own event as it travels."""
    pending = event.pending
    data = Raw(codec.encode(pending.data))
    return EmittedEvent(pending.stream, pending.seq, pending.t, pending.kind, data, pending.valid_ms)

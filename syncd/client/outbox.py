"""Own events without an answer, in the order they were made, on all streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set

from syncd.client.own_event import OwnEvent
from syncd.model.restamp import Pending


class Outbox:
    """See the module's first line. The store holds the same on the disk.

    Attributes:
        last_n: the place of the latest event that ever was in here.
    """

    def __init__(self) -> None:
        self.last_n = 0
        self._by_n: dict[int, OwnEvent] = {}
        self._by_seq: dict[tuple[str, int], OwnEvent] = {}
        self._counts: Counter[str] = Counter()
        self._formerly: dict[tuple[str, str], OwnEvent] = {}

    def __len__(self) -> int:
        return len(self._by_n)

    def __iter__(self) -> Iterator[OwnEvent]:
        """In the order they were made. Do not change the outbox meanwhile."""
        return iter(self._by_n.values())

    def find(self, stream: str, seq: int) -> OwnEvent | None:
        """The event with this seq on this stream, if it waits here."""
        return self._by_seq.get((stream, seq))

    def streams(self) -> Set[str]:
        """The streams that something waits for."""
        return self._counts.keys()

    def enter(self, event: OwnEvent) -> None:
        """Put an event at the end."""
        stream = event.pending.stream
        self._by_n[event.n] = event
        self._by_seq[stream, event.pending.seq] = event
        self._counts[stream] += 1
        self.last_n = max(self.last_n, event.n)

    def remove(self, event: OwnEvent) -> None:
        """Take an event out: it was answered."""
        stream = event.pending.stream
        del self._by_n[event.n]
        del self._by_seq[stream, event.pending.seq]
        self._counts[stream] -= 1
        if not self._counts[stream]:
            del self._counts[stream]

    def rename(self, events: list[tuple[int, Pending]], writer: str) -> list[OwnEvent]:
        """Let these be all that waits, under the names they have now.

        Those who hold one of them see its new names. Returns the ones that are left out.
        """
        before, self._by_n, self._by_seq = self._by_n, {}, {}
        self._counts.clear()
        for n, pending in events:
            event = before.pop(n, None)
            if event is None:
                event = OwnEvent(n, pending, writer)
            else:
                former_id = event.id
                event.become(pending, writer)
                if event.id != former_id:
                    self.remember(former_id, event)
            self.enter(event)
        return list(before.values())

    # --- names that somebody may still hold ---

    def remember(self, former_id: str, event: OwnEvent) -> None:
        """This event was known by another id on its stream, or took the place of one that was."""
        self._formerly[event.pending.stream, former_id] = event

    def now_called(self, stream: str, id_: str) -> str:
        """What an event, a play, an item or a slot is called now. Ids that never changed are returned as they are."""
        writer, _, rest = id_.partition(".")
        seq, dot, k = rest.partition(".")
        event_id = f"{writer}.{seq}"
        while (event := self._formerly.get((stream, event_id))) is not None and event.id != event_id:
            event_id = event.id
        return f"{event_id}{dot}{k}" if rest else id_

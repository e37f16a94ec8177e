"""A replica of one list with nothing around it: no network, no store, no clock but a counter.

    ann, bob = ListReplica("ann"), ListReplica("bob")
    event = ann.emit(edits.insert_at_end(ann.view, [{"track": "t1"}]))
    bob.sees(event)

Replicas that saw the same events, in whatever order, show the same list.
"""

from __future__ import annotations

from collections.abc import Iterable

from syncd.model.cells import Cells, fold
from syncd.model.events import EVENTS, Event, EventData, ListName
from syncd.model.ids import WRITER_LENGTH, EventId, ItemId, event_id
from syncd.model.lowering import lower
from syncd.model.stamp import HybridClock
from syncd.model.views.live_list import ListView

KINDS: dict[type, str] = {data: kind for kind, data in EVENTS.items() if kind.startswith("list.")}


class ListReplica:
    """One device's copy of a list: its cells, its view, and every event it has seen, in the order in which it did."""

    def __init__(self, name: str, *, list_name: ListName = "items", stream: str = "p:of-a-replica-test") -> None:
        self.writer = name.ljust(WRITER_LENGTH, "0")
        self.stream = stream
        self.cells: Cells = {}
        self.view = ListView(list_name)
        self.events: dict[EventId, Event] = {}
        self._clock = HybridClock()
        self._seq = 0

    @property
    def seq_next(self) -> int:
        """The seq of the event that `emit` makes next."""
        return self._seq + 1

    def emit(self, data: EventData, *, t: int | None = None) -> Event:
        """Make an event of an edit, and see it. Its time is the counter's next, or the one given."""
        t = self._clock.tick(0) if t is None else t
        event = Event(self.stream, self.writer, self.seq_next, t, KINDS[type(data)], data)
        self._seq += 1
        self.sees(event)
        return event

    def sees(self, *events: Event) -> None:
        """Take in events, own or of others, also a second time."""
        for event in events:
            self._clock.receive(event.t)
            self.events[event_id(event.writer, event.seq)] = event
            self.view.apply(fold(self.cells, lower(event)))

    def sync(self, other: ListReplica) -> None:
        """Take in what the other has seen."""
        self.sees(*(event for id_, event in other.events.items() if id_ not in self.events))

    def shown(self) -> list[ItemId]:
        """The ids of the entries that show."""
        return [entry.id for entry in self.view.items()]

    def tracks(self) -> list[object]:
        """The tracks that show."""
        return [entry.item["track"] for entry in self.view.items()]


def exchange(replicas: Iterable[ListReplica]) -> None:
    """Let everybody see everything."""
    everybody = list(replicas)
    for replica in everybody:
        for other in everybody:
            replica.sync(other)

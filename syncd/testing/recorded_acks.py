"""What devices were told, written down by the devices' side, and whether log and state keep to it.

    book = AckBook()
    book.watch("phone", device)
    …
    problems = await book.problems(deployment.log, deployment.store)

Nothing here asks the server what it counted: an ack is what came over the wire, and the log and the cells are read from
the database. Source: hazards.md, invariants 1 and 3.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from syncd.client.device import Device
from syncd.limits import READ_RECORDS_MAX
from syncd.log.port import EventLog
from syncd.log.record import decode_record
from syncd.model.canonical import canonical
from syncd.model.cells import Cells, fold
from syncd.model.events import VOID, Event
from syncd.model.lowering import lower
from syncd.protocol.client_session import OWN_STREAM, Heard
from syncd.protocol.messages import Ack
from syncd.store.port import StateReader

PROBLEMS_TOLD_MAX: Final = 20
"""Of each kind; where one is wrong, thousands may be."""


class Acked(NamedTuple):
    """One ack. `at_s`: when it came, by the monotonic clock."""

    device: str
    stream: str
    writer: str
    seq: int
    t: int
    seen: bool
    at_s: float


class InLog(NamedTuple):
    """Everything that the log holds, in order; `cells` per stream is its fold."""

    events: list[Event]
    cells: dict[str, Cells]

    @property
    def times(self) -> dict[tuple[str, str, int], set[int]]:
        """(stream, writer, seq) -> the times with which it was admitted; more than one after an unknown append."""
        found: dict[tuple[str, str, int], set[int]] = {}
        for event in self.events:
            found.setdefault((event.stream, event.writer, event.seq), set()).add(event.t)
        return found


@dataclass
class AckBook:
    """See the module's first lines."""

    acks: list[Acked] = field(default_factory=list)

    def watch(self, name: str, device: Device) -> None:
        """Write down every ack of a device from now on."""

        def heard(message: Heard) -> None:
            if isinstance(message, Ack):
                at_s = time.monotonic()
                for item in message.items():
                    stream = f"a:{device.account}" if item.stream == OWN_STREAM else item.stream
                    self.acks.append(Acked(name, stream, item.writer, item.seq, item.t, item.seen, at_s))

        device.on_message(heard)

    async def problems(self, log: EventLog, store: StateReader) -> list[str]:
        """What is wrong, as sentences; none when every ack was kept. To be asked when the projector has caught up."""
        in_log = await read_log(log)
        return [*self._not_in_log(in_log), *await _not_in_state(in_log, log, store), *holes(in_log)]

    def _not_in_log(self, in_log: InLog) -> list[str]:
        times = in_log.times
        lost = [ack for ack in self.acks if ack.t not in times.get((ack.stream, ack.writer, ack.seq), ())]
        return told(f"acked but not in the log: {ack}" for ack in lost)


async def read_log(log: EventLog) -> InLog:
    """All of it, from offset 0."""
    found = InLog([], {})
    for partition in range(log.partitions):
        offset = 0
        while page := await log.read(partition, offset, limit=READ_RECORDS_MAX):
            offset = page[-1].offset + 1
            for record in page:
                event = decode_record(record).event
                found.events.append(event)
                cells = found.cells.setdefault(event.stream, {})
                if event.kind != VOID:
                    fold(cells, lower(event))
    return found


async def _not_in_state(in_log: InLog, log: EventLog, store: StateReader) -> list[str]:
    """Cells that the fold of the log has, and the store has not, or otherwise; nothing of an event may be missing."""
    problems: list[str] = []
    for stream, right in in_log.cells.items():
        state = await store.cells(stream, log.partition_of(stream))
        held = {row.key: (row.rank, row.value) for row in state.cells}
        for key in held.keys() | right.keys():
            cell = right.get(key)
            expected = None if cell is None else (cell.rank, canonical(cell.value))
            if held.get(key) != expected:
                problems.append(f"{stream} {key} is {held.get(key)} in the store, {expected} by the log")
    return told(problems)


def holes(in_log: InLog) -> list[str]:
    """Writers whose seqs do not go 1, 2, 3 … on a stream, or whose events are in the log out of order."""
    last: dict[tuple[str, str], int] = {}
    problems: list[str] = []
    for event in in_log.events:
        writer = event.stream, event.writer
        if event.seq > last.get(writer, 0) + 1:
            problems.append(f"{event.stream}: {event.writer}.{event.seq} follows {last.get(writer, 0)}")
        last[writer] = max(last.get(writer, 0), event.seq)
    return told(problems)


def doubles(cells: Cells, emitted: Sequence[str]) -> list[str]:
    """Tracks that were put into lists once each, and have more than one place now, or none.

    Args:
        cells: of all streams with lists, together.
        emitted: the tracks, each with a name of its own.
    """
    places = dict.fromkeys(emitted, 0)
    for key, cell in cells.items():
        run: Any = cell.value
        if key.split("/")[1:2] == ["run"] and "items" in run:
            for item in run["items"]:
                places[item["track"]] = places.get(item["track"], 0) + 1
    wrong = {track: count for track, count in places.items() if count != 1}
    return told(f"track {track} was put in once and has {count} places" for track, count in wrong.items())


def told(problems: Iterable[str]) -> list[str]:
    """The first of many problems, and how many there are more."""
    found = list(problems)
    more = [f"… and {len(found) - PROBLEMS_TOLD_MAX} more"] if len(found) > PROBLEMS_TOLD_MAX else []
    return [*found[:PROBLEMS_TOLD_MAX], *more]

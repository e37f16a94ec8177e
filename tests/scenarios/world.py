"""A tiny world for scenarios: devices that make events, knowing only what they have seen.

    world = World()
    phone, web = world.device("phone"), world.device("web")
    start = phone.emit("playback.started", device="phone", …)
    world.at(20_000)                                        # ms since the world began
    web.sees(start)                                         # without this line web is "unaware" of it
    web.emit("playback.paused", epoch=id_of(start))
    assert_every_order(world.admitted, lambda cells: …)

What a device does offline, it `make`s, and later `admit`s. Nothing here knows what a view shows: that is what scenarios
state.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from syncd.limits import CLOCK_AHEAD_MS_MAX
from syncd.model.canonical import canonical, from_canonical
from syncd.model.cells import Cell, Cells, digest, fold, merge
from syncd.model.events import EVENTS, Event
from syncd.model.ids import EventId, ItemId, event_id, item_id
from syncd.model.lowering import lower
from syncd.model.stamp import HybridClock, admitted_t, is_expired

START_MS = 1_763_870_000_000
"""When every world begins."""
ACCOUNT = "a:9f3c"


def id_of(event: Event) -> EventId:
    """The event's id."""
    return event_id(event.writer, event.seq)


def item_of(event: Event, k: int = 0) -> ItemId:
    """The id of the event's k-th element, which is its slot's id as well."""
    return item_id(id_of(event), k)


def items_of(event: Event) -> list[ItemId]:
    """The ids of all items that a `list.inserted` brought."""
    return [item_of(event, k) for k in range(len(event.data.items))]


def typed(kind: str, data: object) -> Any:
    """Plain data as the struct of its kind; of an unknown kind as it is."""
    return msgspec.convert(data, EVENTS[kind]) if kind in EVENTS else data


class Expired(Exception):
    """The gateway refused a control that came too late."""


@dataclass
class World:
    """True time, and everything that was admitted, in the order of admission."""

    now_ms: int = START_MS
    admitted: list[Event] = field(default_factory=list)
    devices: dict[str, Device] = field(default_factory=dict)

    def at(self, ms: int) -> None:
        """Let it be `ms` after the world's start. May go back: then devices act "unaware" of later ones."""
        self.now_ms = START_MS + ms

    def device(self, name: str, *, stream: str = ACCOUNT, clock_off_ms: int = 0) -> Device:
        """A new device with a fresh writer, named after it; `clock_off_ms` is how far its wall clock is ahead."""
        device = Device(self, name, name.ljust(10, "0"), stream, clock_off_ms)
        self.devices[name] = device
        return device

    def all_see(self) -> None:
        """Every device has received everything admitted so far."""
        for device in self.devices.values():
            device.sees_all()

    def cells(self) -> Cells:
        """What the whole of the log comes to."""
        return fold_events(self.admitted)


@dataclass
class Device:
    """One local store of one device: its own writer, clock and knowledge."""

    world: World
    name: str
    writer: str
    stream: str
    clock_off_ms: int
    clock: HybridClock = field(default_factory=HybridClock)
    known: dict[EventId, Event] = field(default_factory=dict)
    last_seq: int = 0
    last_t: int = 0

    def sees(self, *events: Event) -> None:
        """Receive these events, as admitted."""
        for event in events:
            self.known[id_of(event)] = event
            self.clock.receive(event.t)

    def sees_all(self) -> None:
        """Receive everything admitted so far."""
        self.sees(*self.world.admitted)

    @property
    def cells(self) -> Cells:
        """The state this device knows, its own events included."""
        return fold_events(self.known.values())

    def make(self, kind: str, /, **data: object) -> Event:
        """Make an event, known to this device only and not admitted yet: `admit` brings it to the log."""
        self.last_seq += 1
        t = self.clock.tick(self.world.now_ms + self.clock_off_ms)
        event = Event(self.stream, self.writer, self.last_seq, t, kind, typed(kind, data))
        self.known[id_of(event)] = event
        return event

    def admit(self, event: Event, *, valid_ms: int | None = None) -> Event:
        """Bring an event to the log now: clamp its stamp, keep the writer's order, refuse what has expired.

        May be called twice with one event, as a retry through another gateway does.
        """
        now_ms = self.world.now_ms
        t = admitted_t(event.t, now_ms=now_ms, ahead_ms_max=CLOCK_AHEAD_MS_MAX, last_t=self.last_t)
        if is_expired(t, valid_ms=valid_ms, now_ms=now_ms):
            del self.known[id_of(event)]
            raise Expired(event.kind)
        self.last_t = t
        admitted = msgspec.structs.replace(event, t=t)
        self.world.admitted.append(admitted)
        self.known[id_of(event)] = admitted
        return admitted

    def emit(self, kind: str, /, **data: object) -> Event:
        """Make an event and have it admitted at once."""
        return self.admit(self.make(kind, **data))


def fold_events(events: Iterable[Event]) -> Cells:
    """The cells of these events."""
    cells: Cells = {}
    for event in events:
        fold(cells, lower(event))
    return cells


# --- every order ---


def assert_every_order(
    events: Sequence[Event], check: Callable[[Cells], object], *, orders: int = 30, seed: int = 0
) -> None:
    """Deliver the events in many orders, with repeats and by several roads; each must end with the same cells.

    `check` asserts the expectation; it is called with the cells of every order. Order 0 is the order given, order 1 its
    reverse, the rest are drawn from `seed`.
    """
    reference = state_bytes(fold_events(events))
    for n in range(orders):
        order = _order(events, n, random.Random(f"{seed}/{n}"))
        road = _ROADS[n % len(_ROADS)]
        cells = road(order, random.Random(f"{seed}/{n}/road"))
        told = f"order {n} of seed {seed}, {road.__name__}: {[f'{id_of(e)} {e.kind}' for e in order]}"
        assert state_bytes(cells) == reference, f"cells differ in {told}"
        try:
            check(cells)
        except AssertionError as error:
            error.add_note(told)
            raise


def state_bytes(cells: Cells) -> bytes:
    """All cells as bytes, and their digest: equal states have equal bytes."""
    return canonical({key: [cell.rank, cell.value] for key, cell in cells.items()}) + digest(cells).encode()


def _order(events: Sequence[Event], n: int, rng: random.Random) -> list[Event]:
    if n < 2:
        return list(events) if n == 0 else list(reversed(events))
    order = [*events, *(event for event in events if rng.random() < 0.3)]
    rng.shuffle(order)
    return order


def _one_by_one(order: Sequence[Event], rng: random.Random) -> Cells:
    return fold_events(order)


def _in_batches(order: Sequence[Event], rng: random.Random) -> Cells:
    """As the projector does: join a batch in memory, then the batch into the state."""
    cells: Cells = {}
    rest = list(order)
    while rest:
        size = rng.randint(1, 7)
        fold(cells, fold_events(rest[:size]))
        rest = rest[size:]
    return cells


def _as_merged_replicas(order: Sequence[Event], rng: random.Random) -> Cells:
    """As two sites do: each holds a part, some events are in both, then the states are merged."""
    replicas: list[list[Event]] = [[], [], []]
    for event in order:
        for n in {rng.randrange(3), rng.randrange(3)}:
            replicas[n].append(event)
    a, b, c = (fold_events(part) for part in replicas)
    return merge(merge(a, b), c) if rng.random() < 0.5 else merge(c, merge(b, a))


def _as_deltas(order: Sequence[Event], rng: random.Random) -> Cells:
    """As a device does: only changed cells travel, as text, and some of them twice."""
    server: Cells = {}
    device: Cells = {}
    sent: list[tuple[str, Cell]] = []
    for event in order:
        for key, cell in fold(server, lower(event)).items():
            sent.append((key, Cell(cell.rank, from_canonical(canonical(cell.value)))))
    sent += [patch for patch in sent if rng.random() < 0.3]
    rng.shuffle(sent)
    fold(device, sent)
    return device


_ROADS = (_one_by_one, _in_batches, _as_merged_replicas, _as_deltas)

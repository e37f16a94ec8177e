"""How pending events get other names and times, as transforms of what the store holds. Pure.

Source: merge.md section 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import replace

from syncd.client.own_event import OwnEvent
from syncd.client.renumber import Identity, renumber
from syncd.client.store_rows import Header, OutboxRows
from syncd.model.cells import Cell, Cells
from syncd.model.events import ProgressListened
from syncd.model.restamp import Pending, Reconnect, restamp
from syncd.model.stamp import stamp


class Login(NamedTuple):
    """Who the server says we are."""

    writer: str
    device: str
    account: str


def identified(
    header: Header, outbox: OutboxRows, *, login: Login, now: Reconnect, is_admitted: Callable[[Pending], bool]
) -> OutboxRows:
    """Pending events as this login will send them, and the header to go with them (changed in place).

    Events never sent are restamped. Under another writer all are renumbered, and those that `is_admitted` finds in
    the confirmed cells are left out: another life of this store has sent them.
    """
    if header.writer != login.writer:
        outbox = [(n, event) for n, event in outbox if not is_admitted(event)]
    events = restamp([event for _, event in outbox], now, writer=header.writer)
    old, new = Identity(header.writer, header.device), Identity(login.writer, login.device)
    if old != new:
        events = renumber(events, old=old, new=new)
    if old.writer != new.writer:
        header.sent_t = 0
    header.writer, header.device, header.account = login.writer, login.device, login.account
    header.clock_t = max([header.sent_t, header.seen_t, *(event.t for event in events)])
    return [(n, event) for (n, _), event in zip(outbox, events, strict=True)]


def is_admitted(event: Pending, writer: str, confirmed: Cells) -> bool:
    """Whether the confirmed cells hold what a pending event writes.

    Runs and plays are named after their event; of a register only the same stamp with the same value is proof.
    """
    own = OwnEvent(0, event, writer)
    for key, cell in own.cells.items():
        found = confirmed.get(key)
        if found is not None and (found == cell or (key.endswith(f"/{own.id}") and _same_but_t(found, cell))):
            return True
    return False


def is_the_one_seen(event: Pending, writer: str, seen_t: int, confirmed: Cells) -> bool:
    """Whether an event that the server says it has seen, admitted with `seen_t`, is this one.

    A store restored from a backup that went on without a connection has used numbers a second time. Then what the
    server has seen under this number is another event: with another time, and not with these cells.
    """
    return seen_t == event.t or is_admitted(replace(event, t=seen_t), writer, confirmed)


class Admission(NamedTuple):
    """An own event was admitted with another time than it was made with."""

    made_t: int
    admitted_t: int
    writer: str

    def concerns(self, event: Pending) -> bool:
        """Whether an event that never left must change: it names the old stamp, or would be older than its elder."""
        names_it = isinstance(event.data, ProgressListened) and event.data.through == stamp(self.made_t, self.writer)
        return not event.sent and (names_it or event.t <= self.admitted_t)


def follow(outbox: OutboxRows, admission: Admission, *, now: Reconnect) -> OutboxRows:
    """Pending events after one before them was admitted with another time.

    `now.sent_t` includes the admitted time, so what never left is stamped later, as the gateway would have it.
    """
    old, new = stamp(admission.made_t, admission.writer), stamp(admission.admitted_t, admission.writer)
    named = [
        replace(event, data=replace(event.data, through=new))
        if not event.sent and isinstance(event.data, ProgressListened) and event.data.through == old
        else event
        for _, event in outbox
    ]
    restamped = restamp(named, now, writer=admission.writer)
    return [(n, event) for (n, _), event in zip(outbox, restamped, strict=True)]


def _same_but_t(a: Cell, b: Cell) -> bool:
    def timeless(cell: Cell) -> Any:
        return {**cell.value, "t": 0} if isinstance(cell.value, dict) else cell.value

    return bool(timeless(a) == timeless(b))

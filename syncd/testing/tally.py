"""Every event that devices made, accounted for by name: how it ended, what told so, and that the log holds it.

    counted = tally({account: listener.events}, book.acks, await read_log(log))
    assert counted.problems == [] and counted.acked + counted.found == counted.events

Three lists are compared, and nobody's count is believed: what the devices made, what came over the wire, what the log
holds. An event has one of two proofs: an ack that named it, or, where its ack was lost and the device was given another
writer meanwhile, its own cells in the state that the device was sent. Source: hazards.md, invariants 1 and 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from syncd.client.own_event import Outcome, OwnEvent
from syncd.model.ids import AccountId, account_stream, event_id
from syncd.protocol.client_session import OWN_STREAM
from syncd.testing.recorded_acks import Acked, InLog, told

Name = tuple[str, str, int]
"""Stream, writer and seq."""
NOT_BY_DEVICES = ("device.described", "device.revoked")
"""Kinds that linking and revoking write, by writers of their own."""


class Tally(NamedTuple):
    """What became of all events.

    Attributes:
        events: how many were made.
        acked: those that an ack named.
        found: those that were admitted, and told by the state instead.
    """

    events: int
    acked: int
    found: int
    problems: list[str]


def tally(made: Mapping[str, Sequence[OwnEvent]], acks: Iterable[Acked], in_log: InLog) -> Tally:
    """Compare the three lists, when everybody is quiet.

    Args:
        made: account -> all that its devices made; nobody else may have written to the log.
    """
    events = [event for of_account in made.values() for event in of_account]
    names = Counter(_name(event, account) for account, of_account in made.items() for event in of_account)
    told_by_ack = {(ack.stream, ack.writer, ack.seq) for ack in acks}
    in_log_by_devices = {
        (event.stream, event.writer, event.seq) for event in in_log.events if event.kind not in NOT_BY_DEVICES
    }
    problems = [
        *not_admitted(events),
        *told(f"made and not in the log: {_shown(name)}" for name in names if name not in in_log_by_devices),
        *told(f"in the log, and made by nobody: {_shown(name)}" for name in in_log_by_devices if name not in names),
        *told(f"{count} events are called {_shown(name)}" for name, count in names.items() if count > 1),
    ]
    acked = sum(name in told_by_ack for name in names)
    found = sum(event.outcome is Outcome.ADMITTED for event in events) - acked
    return Tally(len(events), acked, found, problems)


def not_admitted(made: Iterable[OwnEvent]) -> list[str]:
    """Every other end with how many events it met, then the first events of each."""
    by_end: dict[str, list[OwnEvent]] = {}
    for event in made:
        if event.outcome is not Outcome.ADMITTED:
            end = event.outcome.name if event.refusal is None else event.refusal.reason
            by_end.setdefault(end.lower(), []).append(event)
    return [
        *(f"{len(events)} events not admitted: {end}" for end, events in by_end.items()),
        *(
            line
            for end, events in by_end.items()
            for line in told(f"{end}: {one.event}, answered {one.refusal and one.refusal.message!r}" for one in events)
        ),
    ]


def _name(made: OwnEvent, account: str) -> Name:
    event = made.event
    stream = account_stream(AccountId(account)) if event.stream == OWN_STREAM else event.stream
    return stream, event.writer, event.seq


def _shown(name: Name) -> str:
    stream, writer, seq = name
    return f"{event_id(writer, seq)} of {stream}"

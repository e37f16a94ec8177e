"""New stamps, at reconnect, for what a device did while its clock could not be checked.

The plain way is to send events with the times they were made at. Then a device whose clock is an hour slow loses to
everything that others did in that hour, though it acted last. Restamping asks, for each event never sent, when it truly
happened: by the monotonic clock if the device has not booted since, else by the wall clock and its measured offset.

An event that was sent keeps its time, because it may be admitted already, and a second admission with another time
would undo what came between. Order is kept: times rise within a writer, and an event stays later than everything its
maker had seen. The device's own clock may go *down* here: rising times are owed to admitted events only.
Source: merge.md section 1, "Client clock".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from syncd.limits import SAFE_INTEGER_MAX
from syncd.model.events import HistoryCleared, PlaybackModeChanged, PlaybackReported, ProgressListened
from syncd.model.stamp import ms, pack, stamp


class Pending(Struct, frozen=True):
    """An own event that is not acknowledged.

    Attributes:
        t: packed time, as it was stamped or last restamped.
        sent: whether it ever left the device. Once true, its time is fixed.
        seen_t: the largest admitted time the device had received when it made the event; 0 for none.
        wall_ms: the device's wall clock when it made the event, ms since the Unix epoch, uncorrected.
        monotonic_ms: its monotonic clock at that moment.
        boot: names the life of that monotonic clock; another boot makes the readings incomparable.
    """

    stream: str
    seq: int
    t: int
    kind: str
    data: Any
    sent: bool
    seen_t: int
    wall_ms: int
    monotonic_ms: int
    boot: str
    valid_ms: int | None = None


class Reconnect(Struct, frozen=True):
    """What a device knows at the moment it is connected again.

    Attributes:
        server_now_ms: the server's clock now.
        offset_ms: what to add to the wall clock to have the server's.
        monotonic_ms, boot: the monotonic clock now, and the name of its life.
        sent_t: the largest time of this writer that was ever sent, acknowledged ones included; 0 for none.
    """

    server_now_ms: int
    offset_ms: int
    monotonic_ms: int
    boot: str
    sent_t: int


def restamp(pending: Sequence[Pending], now: Reconnect, *, writer: str) -> list[Pending]:
    """Give the events that were never sent their true times.

    Args:
        pending: all pending events of one writer, in the order they were made.

    Returns:
        The same events in the same order. Stamps of pending events that others name (`answers`, `through`) are
        rewritten, and times that their makers chose by the same clock (`before_ms`, `sleep_at_ms`) shift along.
    """
    last_t = max([now.sent_t, *(event.t for event in pending if event.sent)])
    renamed: dict[str, str] = {}
    restamped = []
    for event in pending:
        if not event.sent:
            last_t = max(pack(_true_ms(event, now)), last_t + 1, event.seen_t + 1)
            renamed[stamp(event.t, writer)] = stamp(last_t, writer)
            data = _shifted(_rewritten(event.data, renamed), ms(last_t) - ms(event.t))
            event = replace(event, t=last_t, data=data)
        restamped.append(event)
    return restamped


def _true_ms(event: Pending, now: Reconnect) -> int:
    """When the event was made by the server's clock; never later than now."""
    if event.boot == now.boot:
        true_ms = now.server_now_ms - (now.monotonic_ms - event.monotonic_ms)
    else:
        true_ms = event.wall_ms + now.offset_ms
    return max(0, min(true_ms, now.server_now_ms))


def _rewritten(data: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(data, PlaybackReported):
        return replace(data, answers=[renamed.get(rank, rank) for rank in data.answers])
    if isinstance(data, ProgressListened):
        return replace(data, through=renamed.get(data.through, data.through))
    return data


def _shifted(data: Any, by_ms: int) -> Any:
    if isinstance(data, HistoryCleared):
        return replace(data, before_ms=_moved(data.before_ms, by_ms))
    if isinstance(data, PlaybackModeChanged) and data.sleep_at_ms is not UNSET and data.sleep_at_ms is not None:
        return replace(data, sleep_at_ms=_moved(data.sleep_at_ms, by_ms))
    return data


def _moved(at_ms: int, by_ms: int) -> int:
    return min(max(at_ms + by_ms, 0), SAFE_INTEGER_MAX)

"""Which events an event names: what it cannot do without.

When one of a writer's own events is refused for good, those that name it are refused as well (`orphan`): a move after
an item that never came, a seek in a play that never began. Source: merge.md section 3.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from syncd.model.events import (
    ListInserted,
    ListMoved,
    ListMovedBack,
    ListRemoved,
    ListRestored,
    PlaybackAdvanced,
    PlaybackPaused,
    PlaybackReported,
    PlaybackResumed,
    PlaybackSeeked,
    PlaybackSpeedChanged,
    PlaybackStarted,
)
from syncd.model.ids import ITEM_ID_PATTERN, EventId

_ITEM_ID = re.compile(ITEM_ID_PATTERN)


def references(kind: str, data: Any) -> frozenset[EventId]:
    """The events (`writer.seq`) whose slots, items or plays this one names; empty for kinds that name none.

    `list.cleared` says what it has seen, `history.*` name plays that may be anybody's: neither needs the event it
    names, so neither is orphaned.
    """
    named = _NAMED.get(kind)
    return frozenset() if named is None else frozenset(map(EventId, named(data)))


def _event_of(slot: str) -> str:
    return slot[: slot.rindex(".")]


def _inserted(data: ListInserted) -> Iterable[str]:
    return () if data.parent is None else (_event_of(data.parent),)


def _moved(data: ListMoved) -> Iterable[str]:
    if data.parent is not None:
        yield _event_of(data.parent)
    yield from map(_event_of, data.ids)


def _moved_back(data: ListMovedBack) -> Iterable[str]:
    return (_event_of(data.item), _event_of(data.slot))


def _listed(data: ListRemoved | ListRestored) -> Iterable[str]:
    return map(_event_of, data.ids)


def _queue_entry(item: dict[str, Any]) -> Iterable[str]:
    id_ = item.get("id")
    if item.get("from") == "queue" and isinstance(id_, str) and _ITEM_ID.match(id_):
        yield _event_of(id_)


def _started(data: PlaybackStarted) -> Iterable[str]:
    yield from data.follows
    yield from _queue_entry(data.item)


def _advanced(data: PlaybackAdvanced) -> Iterable[str]:
    yield data.epoch
    yield from data.follows
    yield from _queue_entry(data.item)


def _in_epoch(data: PlaybackPaused) -> Iterable[str]:
    return (data.epoch,)


def _in_play(data: PlaybackSeeked | PlaybackReported) -> Iterable[str]:
    return (data.play,)


def _in_both(data: PlaybackResumed | PlaybackSpeedChanged) -> Iterable[str]:
    return (data.epoch, data.play)


_NAMED: dict[str, Callable[[Any], Iterable[str]]] = {
    "list.inserted": _inserted,
    "list.moved": _moved,
    "list.moved_back": _moved_back,
    "list.removed": _listed,
    "list.restored": _listed,
    "playback.started": _started,
    "playback.advanced": _advanced,
    "playback.paused": _in_epoch,
    "playback.resumed": _in_both,
    "playback.seeked": _in_play,
    "playback.speed_changed": _in_both,
    "playback.reported": _in_play,
}

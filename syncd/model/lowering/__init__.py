"""From one event to its cell writes, without reading any state.

That is what makes state free of order: whatever an event means, it says by the keys, ranks and values it writes, and
the join (syncd.model.cells) does the rest. Everything an event writes is listed in merge.md section 3; the forms of
ranks are in section 2 and in `syncd.model.lowering.writes`.

Laws: pure and total. The same event gives the same cells on every machine; no clock, no randomness, no recursion; a
kind that this version does not know gives nothing, and is folded when the projection is rebuilt by one that does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from syncd.model.cells import Cells
from syncd.model.events import Event
from syncd.model.lowering import described, listener, lists, playback
from syncd.model.stamp import stamp

Lowering: TypeAlias = Callable[[Any, Event, str], Cells]
"""(data, event, the event's stamp as a rank) -> what it writes."""

LOWERINGS: dict[str, Lowering] = {
    "list.inserted": lists.inserted,
    "list.moved": lists.moved,
    "list.moved_back": lists.moved_back,
    "list.removed": lists.removed,
    "list.restored": lists.restored,
    "list.cleared": lists.cleared,
    "playback.started": playback.started,
    "playback.advanced": playback.advanced,
    "playback.paused": playback.paused,
    "playback.resumed": playback.resumed,
    "playback.seeked": playback.seeked,
    "playback.speed_changed": playback.speed_changed,
    "playback.reported": playback.reported,
    "playback.mode_changed": playback.mode_changed,
    "device.volume_changed": playback.volume_changed,
    "library.changed": listener.library_changed,
    "settings.changed": listener.settings_changed,
    "progress.listened": listener.progress_listened,
    "progress.marked": listener.progress_marked,
    "history.played": listener.history_played,
    "history.removed": listener.history_removed,
    "history.cleared": listener.history_cleared,
    "device.described": described.device_described,
    "device.revoked": described.device_revoked,
    "playlist.described": described.playlist_described,
    "playlist.member_changed": described.member_changed,
}
"""Kind -> its lowering. `void`, `erased` and `projection.rebuilt` are not here: they write nothing."""


def lower(event: Event) -> Cells:
    """The cells that an event writes, by key.

    Args:
        event: as admitted; `data` is an instance of the struct of its kind.

    Returns:
        A new dict, empty for kinds that write nothing or that this version does not know. Values share their nested
        JSON (`items`, `item`, `context`, settings) with the event: treat both as frozen.
    """
    lowering = LOWERINGS.get(event.kind)
    return {} if lowering is None else lowering(event.data, event, stamp(event.t, event.writer))

"""What is playing where, as a device shows it at a moment.

Source: merge.md section 3.2; the form is that of the `view` message in design.md section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from msgspec import Struct

from syncd.model.canonical import Json
from syncd.model.cells import Cell
from syncd.model.ids import EventId
from syncd.model.views.plays import Play, Plays, shown_head
from syncd.model.views.sounding import commands, sounding

STALE_AFTER_MS = 10_000
"""How far past an item's end playback is reckoned without an event before it shows as stale: its renderer is gone."""


class PlayedItem(Struct, frozen=True, rename={"from_": "from"}):
    """What is playing; `from_` is "context" or "queue"."""

    id: str
    track: str
    from_: str


class PlaybackView(Struct, frozen=True):
    """Where playback stands.

    Attributes:
        device: that should play it.
        position_ms: at `as_of_ms`, within 0 and the item's duration.
        as_of_ms: server time, ms since the Unix epoch.
        duration_ms: of the item; None when its start did not say.
        buffering: its renderer waits for data; the position stands.
        stale: it should have ended more than `STALE_AFTER_MS` ago and nobody said so.
        detached: the device began this by itself, without a connection; only that device shows it.
    """

    device: str
    play: EventId
    epoch: EventId
    generation: int
    item: PlayedItem
    position_ms: int
    as_of_ms: int
    playing: bool
    speed_permille: int
    duration_ms: int | None
    context: Json
    buffering: bool
    stale: bool
    detached: bool


def playback_view(cells: Mapping[str, Cell], now_ms: int, *, device: str | None = None) -> PlaybackView | None:
    """What a device shows of playback at `now_ms`; None when nothing was ever started.

    Args:
        cells: of the account's stream.
        now_ms: server time.
        device: whose own detached session goes before the live one. None for whoever has none: a server, a console,
            a device that has left the session it began by itself.
    """
    plays = Plays(cells)
    head = shown_head(plays, device)
    if head is None:
        return None
    start = cast(Play, plays.start_of(head))
    on_device = cast(str, start.device)
    given = commands(cells, head, on_device)
    now = sounding(given, automatic=head.automatic, now_ms=now_ms)
    duration_ms = cast("int | None", head.item.get("duration_ms"))
    return PlaybackView(
        device=on_device,
        play=head.id,
        epoch=head.epoch,
        generation=head.generation,
        item=PlayedItem(*(cast(str, head.item[field]) for field in ("id", "track", "from"))),
        position_ms=now.position_ms if duration_ms is None else min(now.position_ms, duration_ms),
        as_of_ms=now_ms,
        playing=now.playing,
        speed_permille=given.speed_permille,
        duration_ms=duration_ms,
        context=start.context,
        buffering=now.buffering,
        stale=now.playing and duration_ms is not None and now.position_ms > duration_ms + STALE_AFTER_MS,
        detached=start.detached,
    )

"""Commands that met a session which had just ended.

Somebody presses pause on the phone while somebody else moves playback to the speaker. If the pause is stamped less than
two seconds after the move, it was meant for what plays there now, and is made again for it. Source: merge.md
section 3.2.
"""

from __future__ import annotations

import contextlib
from typing import Any, cast

from syncd.client.change import Change
from syncd.client.lists import Lists
from syncd.client.local_state import LocalState
from syncd.client.own_event import Outcome, OwnEvent
from syncd.client.player import Player
from syncd.errors import NotFound
from syncd.model.events import (
    PlaybackAdvanced,
    PlaybackPaused,
    PlaybackResumed,
    PlaybackSeeked,
    PlaybackSpeedChanged,
)
from syncd.model.stamp import ms, stamp, stamp_t
from syncd.model.views.playback import PlaybackView
from syncd.model.views.plays import Play
from syncd.protocol.client_session import OWN_STREAM

FENCED_MS = 2_000
"""How long after a session has ended a command still counts for the one that came instead."""


class Fenced:
    """Makes such commands again. Call `check` when something came from the server, outside the state's watchers."""

    def __init__(self, state: LocalState, lists: Lists, player: Player) -> None:
        self._state = state
        self._lists = lists
        self._player = player
        self._is_news = False
        state.replicas.watch(self._changed)

    def check(self) -> None:
        """Look at the last commands, if anything was started or advanced since; each is made again at most once."""
        if not self._is_news:
            return
        self._is_news = False
        with self._state.lock:
            plays = self._lists.plays()
            head = plays.head()
            start = None if head is None else plays.start_of(head)
            view = self._player.view
            if head is None or start is None or view is None or view.epoch != head.epoch:
                return
            now_ms = self._state.time.now_ms()
            for event in list(self._player.controls):
                if ms(event.event.t) < now_ms - 2 * FENCED_MS and event.outcome is not Outcome.PENDING:
                    self._player.controls.remove(event)
                elif self._epoch_of(event) != start.id and _is_fenced_by(start, event):
                    self._player.controls.remove(event)
                    self._again(event, view)

    def _changed(self, change: Change) -> None:
        if change.stream == OWN_STREAM and self._player.controls:
            self._is_news = self._is_news or any(key.startswith("play/") for key in change.cells)

    def _again(self, event: OwnEvent, now: PlaybackView) -> None:
        """Make a command again, unless what it was for is so by now, or was for another item."""
        player = self._player
        match event.event.data:
            case PlaybackPaused() if now.playing:
                player.pause()
            case PlaybackResumed() if not now.playing:
                player.resume()
            case PlaybackSpeedChanged(speed_permille=speed_permille) if now.speed_permille != speed_permille:
                player.set_speed(speed_permille)
            case PlaybackSeeked(play=play, position_ms=position_ms) if self._item_of(play) == now.item.id:
                player.seek(position_ms)
            case PlaybackAdvanced(automatic=False, follows=[play]) if self._item_of(play) == now.item.id:
                with contextlib.suppress(NotFound):  # the new session has nothing to go on with
                    player.next()
            case _:
                pass

    def _epoch_of(self, event: OwnEvent) -> str:
        data = event.event.data
        return str(self._play(data.play).get("epoch")) if isinstance(data, PlaybackSeeked) else str(data.epoch)

    def _item_of(self, play: str) -> str | None:
        item = self._play(play).get("item")
        return None if item is None else str(item["id"])

    def _play(self, play: str) -> dict[str, Any]:
        """The cell of a play; nothing of one that is not known here."""
        cell = self._state.replicas.get(OWN_STREAM).shown.get(f"play/{play}")
        return {} if cell is None else cast(dict[str, Any], cell.value)


def _is_fenced_by(start: Play, event: OwnEvent) -> bool:
    """Whether a command is stamped shortly after a start that another store made."""
    if event.outcome in (Outcome.REFUSED, Outcome.GONE) or start.id.startswith(f"{event.event.writer}."):
        return False
    is_later = stamp(event.event.t, event.event.writer) > start.rank
    return is_later and ms(event.event.t) - ms(stamp_t(start.rank)) < FENCED_MS

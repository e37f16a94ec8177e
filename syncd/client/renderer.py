"""The part of a device that makes the sound: what to play now, and what to tell the others about it.

The contract (merge.md section 3.2): play only while `wanted` says so, and stop within one delta of losing it; call
`measured` as often as you like, about once a second, and `ended` at the natural end of an item. Reports and automatic
advances come from here alone, so that no two devices make them.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncd.client.done import Done
from syncd.client.draft import Draft
from syncd.client.local_state import LocalState
from syncd.client.player import PLAYBACK_FAMILIES, Player
from syncd.model.cells import Cells
from syncd.model.events import PlaybackReported
from syncd.model.views.playback import PlaybackView
from syncd.model.views.plays import Plays, shown_head
from syncd.model.views.sounding import commands
from syncd.protocol.client_session import OWN_STREAM

DRIFT_MS = 300
"""What is heard and what the others reckon may differ by this much before it is reported."""
LONG_ITEM_MS = 600_000
"""Items longer than this are reported now and then, because small drifts add up."""
REPORT_MS = 60_000
"""How often."""


@dataclass(frozen=True, slots=True)
class _Reported:
    """The last report: the commands it answered, what it said, and when (server time)."""

    answers: tuple[str, ...]
    buffering: bool
    at_ms: int


class Renderer:
    """See the module's first lines."""

    def __init__(self, state: LocalState, player: Player) -> None:
        self._state = state
        self._player = player
        self._last: _Reported | None = None

    @property
    def wanted(self) -> PlaybackView | None:
        """What this device has to render, playing or paused; None when it is not the one."""
        view = self._player.view
        return view if view is not None and view.device == self._state.header.device else None

    def measured(self, position_ms: int, *, buffering: bool = False) -> Done | None:
        """Tell where the sound really is. Reports it to the others if that is worth an event: when a command begins to
        be obeyed, when buffering begins or ends, on drift, and now and then in a long item.

        Returns:
            The report; None when none was due.
        """
        with self._state.lock:
            view = self.wanted
            answers = None if view is None else self._answers(view)
            if view is None or answers is None:
                return None
            if not self._is_due(view, answers, position_ms=position_ms, buffering=buffering):
                return None
            self._last = _Reported(answers, buffering, view.as_of_ms)
            data = PlaybackReported(view.play, position_ms, buffering, [*answers])
            return Done(self._state, [self._state.make(Draft("playback.reported", data))])

    def ended(self) -> Done | None:
        """The item came to its natural end: go on with the next one. None when this device is not the one."""
        with self._state.lock:
            return None if self.wanted is None else self._player.ended()

    def _is_due(self, view: PlaybackView, answers: tuple[str, ...], *, position_ms: int, buffering: bool) -> bool:
        last = self._last
        if last is None or last.answers != answers or last.buffering != buffering:
            return True
        if not view.playing or buffering:
            return False
        is_long = view.duration_ms is not None and view.duration_ms > LONG_ITEM_MS
        return abs(position_ms - view.position_ms) > DRIFT_MS or (is_long and view.as_of_ms - last.at_ms >= REPORT_MS)

    def _answers(self, view: PlaybackView) -> tuple[str, ...] | None:
        """The ranks of the commands that stand; None while one of them is pending, since its rank may still change."""
        confirmed: Cells = {
            key: cell
            for key, cell in self._state.replicas.get(OWN_STREAM).confirmed.items()
            if key.partition("/")[0] in PLAYBACK_FAMILIES
        }
        head = shown_head(Plays(confirmed), view.device)
        if head is None or head.id != view.play:
            return None
        shown = self._state.replicas.get(OWN_STREAM).shown
        answers = tuple(commands(confirmed, head, view.device).answers)
        return answers if answers == tuple(commands(shown, head, view.device).answers) else None

"""The lists that somebody has looked at, kept up to date change by change: a playlist of 10,000 entries stays cheap."""

from __future__ import annotations

from syncd.client.change import Change
from syncd.client.local_state import LocalState
from syncd.model.cells import Cell
from syncd.model.events import ListName
from syncd.model.views.live_list import ListView
from syncd.model.views.plays import Plays, shown_head
from syncd.protocol.client_session import OWN_STREAM


class Lists:
    """See the module's first line. Take `state.lock` around what a view is asked."""

    def __init__(self, state: LocalState) -> None:
        self._state = state
        self._views: dict[tuple[str, str], ListView] = {}
        self._is_consumption_stale = True
        state.replicas.watch(self._changed)

    def view(self, stream: str, name: ListName) -> ListView:
        """One list of one stream, as it shows."""
        with self._state.lock:
            replica = self._state.replicas.get(stream)
            view = self._views.get((replica.stream, name))
            if view is None:
                view = self._views[replica.stream, name] = ListView(name, replica.shown.of(name))
                self._is_consumption_stale = True
            if name == "queue" and self._is_consumption_stale:
                self._is_consumption_stale = False
                plays = self.plays()
                view.consume(plays.consumed(shown_head(plays, self.detached_device())))
            return view

    def plays(self) -> Plays:
        """All plays of the account."""
        return Plays(self._state.replicas.get(OWN_STREAM).shown.of("play"))

    def detached_device(self) -> str | None:
        """This device, if a session it began by itself goes before the live one; None if the listener has left it."""
        header = self._state.header
        if header.left_epoch is not None:
            own = self.plays().detached_head(header.device)
            if own is not None and own.epoch == header.left_epoch:
                return None
        return header.device

    def consumption_changed(self) -> None:
        """Which session this device shows has changed, without any cell saying so."""
        self._is_consumption_stale = True

    def _changed(self, change: Change) -> None:
        of_list: dict[str, dict[str, Cell | None]] = {}
        for key, cell in change.cells.items():
            family = key.partition("/")[0]
            if family == "play" and change.stream == OWN_STREAM:
                self._is_consumption_stale = True
            elif (change.stream, family) in self._views:
                of_list.setdefault(family, {})[key] = cell
        for name, cells in of_list.items():
            self._views[change.stream, name].apply(cells)

"""What a listener has heard. In a private session, report nothing. Source: merge.md section 3.3."""

from __future__ import annotations

from syncd.client.done import Done
from syncd.client.draft import Draft
from syncd.client.json_like import JsonLike
from syncd.client.local_state import LocalState
from syncd.model.events import HistoryCleared, HistoryPlayed, HistoryRemoved
from syncd.model.views.history import HistoryEntry, history_view
from syncd.protocol.client_session import OWN_STREAM


class History:
    """See the module's first line."""

    def __init__(self, state: LocalState) -> None:
        self._state = state

    @property
    def entries(self) -> list[HistoryEntry]:
        """The plays, the latest report first."""
        with self._state.lock:
            return history_view(self._state.replicas.get(OWN_STREAM).shown.of("history", "history_cleared"))

    def played(
        self,
        play: str,
        track: str,
        *,
        started_ms: int,
        listened_ms: int,
        context: JsonLike = None,
        skipped: bool = False,
        reason: str | None = None,
    ) -> Done:
        """Report a play, by the id of its play event or one of your own; later reports of the same play may grow it."""
        data = HistoryPlayed(
            play=self._state.outbox.now_called(OWN_STREAM, play),
            track=track,
            started_ms=started_ms,
            listened_ms=listened_ms,
            context=context,
            skipped=skipped,
            reason=reason,
        )
        return Done(self._state, [self._state.make(Draft("history.played", data))])

    def remove(self, play: str) -> Done:
        """Take one play out, for good."""
        data = HistoryRemoved(self._state.outbox.now_called(OWN_STREAM, play))
        return Done(self._state, [self._state.make(Draft("history.removed", data))])

    def clear(self) -> Done:
        """Take out everything up to now, also what another device heard before now and has not reported yet."""
        data = HistoryCleared(before_ms=self._state.time.now_ms())
        return Done(self._state, [self._state.make(Draft("history.cleared", data))])

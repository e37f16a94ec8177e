"""How far a listener got in each episode.

Report it on pause, seek, end, when the app goes to the background, and every 60 s of playing; never on open: that is
how other systems lose positions. Source: merge.md section 3.3.
"""

from __future__ import annotations

from syncd.client.done import Done
from syncd.client.draft import Draft
from syncd.client.local_state import LocalState
from syncd.model.cells import Cell
from syncd.model.events import ProgressListened, ProgressMarked
from syncd.model.ids import key_part
from syncd.model.views.progress import ProgressView, progress_view, through
from syncd.protocol.client_session import OWN_STREAM


class Progress:
    """See the module's first lines."""

    def __init__(self, state: LocalState) -> None:
        self._state = state

    @property
    def all(self) -> dict[str, ProgressView]:
        """Every episode that was ever begun."""
        with self._state.lock:
            return progress_view(self._state.replicas.get(OWN_STREAM).shown.of("progress"))

    def of(self, episode: str) -> ProgressView | None:
        """One episode; None when it was never begun."""
        return progress_view(self._cells(episode)).get(episode)

    def listened(
        self, episode: str, position_ms: int, *, duration_ms: int | None = None, finished: bool = False
    ) -> Done:
        """The listener got here. `finished`: to the end, as the player understands it."""

        def build() -> Draft:
            data = ProgressListened(
                episode=episode,
                position_ms=position_ms,
                through=through(self._cells(episode), episode),
                duration_ms=duration_ms,
                finished=finished,
            )
            return Draft("progress.listened", data)

        return Done(self._state, [self._state.act(build)])

    def mark_played(self, episode: str, *, played: bool = True) -> Done:
        """Mark an episode as played, or as never heard. To start a finished one over, mark it unplayed first."""
        return Done(self._state, [self._state.make(Draft("progress.marked", ProgressMarked(episode, played)))])

    def _cells(self, episode: str) -> dict[str, Cell]:
        keys = [f"progress/{key_part(episode)}/{field}" for field in ("latest", "furthest")]
        with self._state.lock:
            shown = self._state.replicas.get(OWN_STREAM).shown
            return {key: shown[key] for key in keys if key in shown}

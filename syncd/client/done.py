"""What an action returns: the events it made, and how to take them back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from syncd.client.draft import Draft
from syncd.client.errors import UndoGone
from syncd.client.local_state import LocalState
from syncd.client.own_event import Outcome, OwnEvent

Restore: TypeAlias = Callable[[OwnEvent, AbstractSet[str]], Iterable[Draft]]
"""(event, the keys of its cells that still show what it wrote) -> the events that restore what was there before."""


class Done:
    """An action that has happened on this device: it is on the disk, it shows, and it will be sent.

    Awaiting it is allowed and waits for nothing. What becomes of it tells `outcome`.
    """

    def __init__(self, state: LocalState, events: Sequence[OwnEvent], restore: Restore | None = None) -> None:
        self.events = list(events)
        self._state = state
        self._restore = restore

    def __await__(self) -> Generator[None, None, Done]:
        yield from ()
        return self

    @property
    def outcome(self) -> Outcome:
        """How far it got: of several events, the one that is least far; refused if any was."""
        outcomes = {event.outcome for event in self.events}
        return next((outcome for outcome in _BY_IMPORTANCE if outcome in outcomes), Outcome.ADMITTED)

    @property
    def undo(self) -> Undo | None:
        """What takes it back; None when it cannot be undone, or when somebody has changed all of it since."""
        if self._restore is None:
            return None
        undo = Undo(self._state, self.events, self._restore)
        return undo if undo.is_offered else None


class Undo:
    """New events that restore the previous values, wherever a cell still carries the action's own stamp."""

    def __init__(self, state: LocalState, events: Sequence[OwnEvent], restore: Restore) -> None:
        self._state = state
        self._events = events
        self._restore = restore

    @property
    def is_offered(self) -> bool:
        """Whether there is anything of the action left to be undone."""
        with self._state.lock:
            return any(self._drafts(event) for event in self._events)

    def __call__(self) -> Done:
        """Undo it.

        Raises:
            UndoGone: everything was changed since, or undone already.
        """
        with self._state.lock:
            drafts = [draft for event in reversed(self._events) for draft in self._drafts(event)]
            if not drafts:
                raise UndoGone("there is nothing left to undo: it was changed since, or undone already")
            return Done(self._state, [self._state.make(draft) for draft in drafts])

    def _drafts(self, event: OwnEvent) -> list[Draft]:
        if event.outcome not in (Outcome.PENDING, Outcome.ADMITTED):
            return []
        shown = self._state.replicas.get(event.pending.stream).shown
        mine = {key for key, cell in event.cells.items() if shown.get(key) == cell}
        return list(self._restore(event, mine))


_BY_IMPORTANCE = (Outcome.REFUSED, Outcome.PENDING, Outcome.REISSUED, Outcome.GONE)

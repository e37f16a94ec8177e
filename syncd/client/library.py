"""What a listener keeps: favourites, follows, ratings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from syncd.client.done import Done
from syncd.client.draft import Draft
from syncd.client.local_state import LocalState
from syncd.client.own_event import OwnEvent
from syncd.limits import ITEMS_MAX
from syncd.model.events import LibraryChanged
from syncd.model.ids import key_part
from syncd.model.views.library import Library as Sets
from syncd.model.views.library import library_view
from syncd.protocol.client_session import OWN_STREAM

RATINGS = "ratings"


class Library:
    """See the module's first line. Nothing is emitted for what already holds."""

    def __init__(self, state: LocalState) -> None:
        self._state = state

    @property
    def sets(self) -> Sets:
        """Set -> id -> true, or 0 to 100 in `ratings`."""
        with self._state.lock:
            return library_view(self._state.replicas.get(OWN_STREAM).shown.of("library"))

    def has(self, set_: str, id_: str) -> bool:
        """Whether something is in a set."""
        return self._value(set_, id_) not in (None, False)

    def rating(self, id_: str) -> int | None:
        """0 to 100; None when it was never rated, or not any more."""
        value = self._value(RATINGS, id_)
        return None if isinstance(value, bool) else value

    def add(self, set_: str, *ids: str) -> Done:
        """Put things into a set: "tracks", "albums", "artists", "shows", "playlists" or one of your own."""
        return self._change(set_, ids, value=True)

    def remove(self, set_: str, *ids: str) -> Done:
        """Take things out of a set."""
        return self._change(set_, ids, value=False)

    def rate(self, id_: str, rating: int | None) -> Done:
        """Rate something, 0 to 100; None takes the rating back."""
        return self._change(RATINGS, [id_], value=False if rating is None else rating)

    def _value(self, set_: str, id_: str) -> bool | int | None:
        with self._state.lock:
            cell = self._state.replicas.get(OWN_STREAM).shown.get(_key(set_, id_))
        return None if cell is None or not isinstance(cell.value, int) else cell.value

    def _change(self, set_: str, ids: Sequence[str], *, value: bool | int) -> Done:
        with self._state.lock:
            values = {id_: self._value(set_, id_) for id_ in dict.fromkeys(ids)}
            before = {id_: False if old is None else old for id_, old in values.items()}
            fresh = [id_ for id_, old in before.items() if not _same(old, value)]
            chunks = [fresh[i : i + ITEMS_MAX] for i in range(0, len(fresh), ITEMS_MAX)]
            events = [self._state.make(_draft(set_, chunk, value)) for chunk in chunks]

        def restore(event: OwnEvent, mine: AbstractSet[str]) -> Iterable[Draft]:
            back = [id_ for id_ in event.event.data.ids if _key(set_, id_) in mine]
            while back:
                old = before[back[0]]
                yield _draft(set_, [id_ for id_ in back if _same(before[id_], old)], old)
                back = [id_ for id_ in back if not _same(before[id_], old)]

        return Done(self._state, events, restore)


def _same(a: bool | int, b: bool | int) -> bool:
    """Whether two values are one; a rating of 0 is not "no rating", though Python finds 0 == False."""
    return type(a) is type(b) and a == b


def _key(set_: str, id_: str) -> str:
    return f"library/{key_part(set_)}/{key_part(id_)}"


def _draft(set_: str, ids: Sequence[str], value: bool | int) -> Draft:
    return Draft("library.changed", LibraryChanged(set_, [*ids], value))

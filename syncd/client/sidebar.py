"""The order of the account's playlists, as a listener changes it. Source: merge.md section 3.3.

A playlist has a place once the account's `sidebar` list has an entry of it, and the first entry counts; those without
one show at the end, as they were added. So a move first gives a place to the playlists it goes past that have none,
where they show already, and then moves one. Two devices may both do that before they hear of each other: then the
entries that come first decide, on all devices alike, and later moves take every entry of a playlist along.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncd.client.done import Done
from syncd.client.editable_list import EditableList
from syncd.client.lists import Lists
from syncd.client.local_state import LocalState
from syncd.errors import NotFound
from syncd.protocol.client_session import OWN_STREAM


class Sidebar:
    """See the module's first lines."""

    def __init__(self, state: LocalState, lists: Lists) -> None:
        self._state = state
        self._places = EditableList(state, lists, OWN_STREAM, "sidebar")

    def move(self, playlist: str, *, to: int, shown: Sequence[str]) -> Done:
        """Let a playlist show at an index of the others. What is undone is the move; places that were given stay.

        Args:
            playlist: its id.
            to: 0 to one less than how many show.
            shown: the ids of all playlists, in the order in which they show.

        Raises:
            NotFound: it is not among them, or the index is outside; nothing was made.
        """
        if playlist not in shown:
            raise NotFound(f"playlist {playlist} is not among the {len(shown)} playlists of the library")
        if not 0 <= to < len(shown):
            raise NotFound(f"index {to} is outside 0 to {len(shown) - 1}, the places of {len(shown)} playlists")
        before = shown[: to if to <= shown.index(playlist) else to + 1]
        with self._state.lock:
            entries = self._entries()
            without = [{"playlist": id_} for id_ in before if id_ not in entries]
            if without:
                self._places.add(*without)
                entries = self._entries()
            left = entries[before[-1]][0] if before else None
            if playlist in entries:
                return self._places.move_after(*entries[playlist], left=left)
            return self._places.insert_after(left, {"playlist": playlist})

    def _entries(self) -> dict[str, list[str]]:
        """The entries of each playlist, in order."""
        entries: dict[str, list[str]] = {}
        for entry in self._places:
            entries.setdefault(str(entry.item["playlist"]), []).append(entry.id)
        return entries

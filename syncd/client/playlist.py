"""One playlist: its entries, what it says about itself, who may do what."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from msgspec import UNSET, UnsetType

from syncd.client.done import Done
from syncd.client.draft import Draft
from syncd.client.editable_list import EditableList
from syncd.client.lists import Lists
from syncd.client.local_state import LocalState
from syncd.client.own_event import OwnEvent
from syncd.model.canonical import Json
from syncd.model.events import PlaylistDescribed, PlaylistMemberChanged
from syncd.model.ids import key_part
from syncd.model.views.playlist import MemberRole, PlaylistView, playlist_view

PLAYLIST_ID_BYTES = 16
"""128 random bits, 22 characters: whoever knows the id of a public playlist can read it, so it must not be guessed."""


def new_playlist_id() -> str:
    """An id for a playlist that does not exist yet."""
    return secrets.token_urlsafe(PLAYLIST_ID_BYTES)


def playlist_stream(playlist: str) -> str:
    """The stream of a playlist, given by id or by stream."""
    return playlist if playlist.startswith("p:") else f"p:{playlist}"


class Playlist(EditableList):
    """See the module's first line.

    Attributes:
        id: of the playlist; its stream is `p:<id>`.
        stream: where its events go.
    """

    def __init__(self, state: LocalState, lists: Lists, playlist: str) -> None:
        self.stream = playlist_stream(playlist)
        self.id = self.stream[2:]
        super().__init__(state, lists, self.stream, "items")

    @property
    def context(self) -> Json:
        """What to play from, for `play(…, context=…)`: "next" then goes through this playlist."""
        return {"playlist": self.id}

    @property
    def about(self) -> PlaylistView:
        """Name, description, flags and members, as they show here."""
        with self._state.lock:
            return playlist_view(self._state.replicas.get(self.stream).shown.of("playlist", "member"))

    @property
    def name(self) -> str | None:
        """What it is called; None when nobody said."""
        return self.about.name

    def describe(
        self,
        *,
        name: str | None | UnsetType = UNSET,
        description: str | None | UnsetType = UNSET,
        image: str | None | UnsetType = UNSET,
        public: bool | UnsetType = UNSET,
        collaborative: bool | UnsetType = UNSET,
        deleted: bool | UnsetType = UNSET,
    ) -> Done:
        """Change what it says about itself; what is not given stays."""
        data = PlaylistDescribed(
            name=name, description=description, image=image, public=public, collaborative=collaborative, deleted=deleted
        )
        with self._state.lock:
            before = self.about
            event = self._state.make(Draft("playlist.described", data, self.stream))

        def restore(event: OwnEvent, mine: AbstractSet[str]) -> Iterable[Draft]:
            fields = {key.rpartition("/")[2]: getattr(before, key.rpartition("/")[2]) for key in mine}
            return [Draft("playlist.described", fields, self.stream)] if fields else []

        return Done(self._state, [event], restore)

    def rename(self, name: str) -> Done:
        """Call it something else."""
        return self.describe(name=name)

    def delete(self) -> Done:
        """Hide it from everybody; `undelete` brings it back with all that was added meanwhile."""
        return self.describe(deleted=True)

    def undelete(self) -> Done:
        """Bring it back."""
        return self.describe(deleted=False)

    def share(self, account: str, role: MemberRole | None) -> Done:
        """Give an account a role; None takes it away."""
        with self._state.lock:
            before = self.about.members.get(account)
            data = PlaylistMemberChanged(account, role)
            event = self._state.make(Draft("playlist.member_changed", data, self.stream))

        def restore(event: OwnEvent, mine: AbstractSet[str]) -> Iterable[Draft]:
            again = PlaylistMemberChanged(account, before)
            return (
                [Draft("playlist.member_changed", again, self.stream)] if f"member/{key_part(account)}" in mine else []
            )

        return Done(self._state, [event], restore)

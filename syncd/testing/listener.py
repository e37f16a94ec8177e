"""A listener who does this and that on a device, as a seed says: queue, playlists, library, settings, playback.

    hand = Listener(device, rng=random.Random(7), name="phone")
    hand.does("adds")
    hand.does_something()

Every track that is added has a name of its own, so that losses and doubles can be counted afterwards.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from syncd.client.done import Done
from syncd.client.editable_list import EditableList
from syncd.client.face import Face
from syncd.client.own_event import OwnEvent
from syncd.client.playlist import Playlist
from syncd.errors import NotFound
from syncd.protocol.client_session import OWN_STREAM

LIST_LENGTH: Final = 60
"""Beyond it a listener who does something at random takes out rather than puts in, so that long runs stay cheap."""
BLOCK_MAX: Final = 4
"""Entries put in, moved or taken out at once."""
UNDOABLE_MAX: Final = 5
"""Actions that may still be undone."""
EPISODES: Final = ("e1", "e2", "e3")
TRACKS: Final = ("t1", "t2", "t3", "t4", "t5")


class Listener:
    """See the module's first lines.

    Attributes:
        name: what its tracks are named after.
        device: on which everything is done; may be exchanged for another one of the same listener.
        playlists: ids of those that are edited; the queue always is.
        added: the names of all tracks that were put into a list, in the order in which they were.
        events: all that its actions made.
        undoable: the last actions, the oldest first.
    """

    def __init__(self, device: Face, *, rng: random.Random, name: str, playlists: Sequence[str] = ()) -> None:
        self.device = device
        self.playlists = list(playlists)
        self.added: list[str] = []
        self.events: list[OwnEvent] = []
        self.undoable: deque[Done] = deque(maxlen=UNDOABLE_MAX)
        self._rng = rng
        self.name = name

    def does_something(self, among: Sequence[str] | None = None) -> str:
        """One action, drawn by weight (see `ACTIONS`); returns its name."""
        names = list(ACTIONS) if among is None else list(among)
        name = self._rng.choices(names, [ACTIONS[name][0] for name in names])[0]
        if name in _PUTTING_IN and len(self.device.queue) > LIST_LENGTH:
            name = "removes"
        self.does(name)
        return name

    def does(self, action: str) -> bool:
        """One action by name; False when there is nothing here to do it to."""
        try:
            done = ACTIONS[action][1](self)
        except NotFound:
            return False
        if done is not None:
            self.undoable.append(done)
            self.events += done.events
        return done is not None

    def tracks(self, stream: str) -> list[str]:
        """What the queue (of `a:me`) or a playlist shows here."""
        return self.device.queue.tracks if stream == OWN_STREAM else self.device.playlist(stream).tracks

    # --- lists ---

    def _adds(self) -> Done:
        return self._list().add(*self._new_tracks())

    def _inserts(self) -> Done:
        entries = self._list()
        return entries.insert(self._rng.randint(0, len(entries)), *self._new_tracks())

    def _plays_next(self) -> Done:
        return self.device.queue.play_next(*self._new_tracks())

    def _removes(self) -> Done | None:
        entries = self._list()
        chosen = self._block(entries)
        return entries.remove(*chosen) if chosen else None

    def _moves(self) -> Done | None:
        entries = self._list()
        chosen = self._block(entries)
        return entries.move(*chosen, to=self._rng.randint(0, len(entries) - len(chosen))) if chosen else None

    def _clears(self) -> Done:
        return self.device.queue.clear()

    def _undoes(self) -> Done | None:
        for done in reversed(self.undoable):
            undo = done.undo
            if undo is not None:
                return undo()
        return None

    # --- the rest of a listener's things ---

    def _likes(self) -> Done:
        library, track = self.device.library, self._rng.choice(TRACKS)
        return library.remove("tracks", track) if library.has("tracks", track) else library.add("tracks", track)

    def _rates(self) -> Done:
        return self.device.library.rate(self._rng.choice(TRACKS), self._rng.randint(0, 100))

    def _sets(self) -> Done:
        key = self._rng.choice(("theme", "crossfade_ms", f"{self.device.device_id}/volume"))
        return self.device.settings.set(key, self._rng.randint(0, 1_000_000))

    def _listens(self) -> Done:
        position_ms = self._rng.randint(0, 3_600_000)
        return self.device.progress.listened(self._rng.choice(EPISODES), position_ms, duration_ms=3_600_000)

    def _marks(self) -> Done:
        return self.device.progress.mark_played(self._rng.choice(EPISODES), played=self._rng.random() < 0.5)

    def _renames(self) -> Done | None:
        if not self.playlists:
            return None
        return self.device.playlist(self._rng.choice(self.playlists)).rename(f"list {self._rng.randint(0, 999)}")

    # --- playback ---

    def _plays(self) -> Done:
        playlist = self._playlist()
        if playlist is not None and len(playlist):
            return self.device.play(self._rng.choice(playlist.items), context={"playlist": playlist.id})
        return self.device.play(self._rng.choice(TRACKS), context=[*TRACKS])

    def _pauses(self) -> Done:
        return self.device.pause()

    def _resumes(self) -> Done:
        return self.device.resume()

    def _seeks(self) -> Done:
        return self.device.seek(self._rng.randint(0, 200_000))

    def _skips(self) -> Done:
        return self.device.next()

    def _goes_back(self) -> Done:
        return self.device.previous()

    def _transfers(self) -> Done | None:
        devices = self.device.devices
        return self.device.transfer(self._rng.choice(devices).device) if devices else None

    def _shuffles(self) -> Done:
        return self.device.set_shuffle(self._rng.random() < 0.5, seed=self._rng.randint(0, 99))

    def _changes_speed(self) -> Done:
        return self.device.set_speed(self._rng.choice((800, 1_000, 1_500)))

    # --- inside ---

    def _playlist(self) -> Playlist | None:
        return self.device.playlist(self._rng.choice(self.playlists)) if self.playlists else None

    def _list(self) -> EditableList:
        playlist = self._playlist()
        return self.device.queue if playlist is None or self._rng.random() < 0.5 else playlist

    def _block(self, entries: EditableList) -> list[str]:
        length = len(entries)
        if not length:
            return []
        start = self._rng.randrange(length)
        return [entry.id for entry in entries.slice(start, start + self._rng.randint(1, BLOCK_MAX))]

    def _new_tracks(self) -> list[str]:
        count = self._rng.randint(1, BLOCK_MAX)
        tracks = [f"{self.name}-{len(self.added) + k}" for k in range(count)]
        self.added += tracks
        return tracks


Action = tuple[int, Callable[[Listener], Done | None]]

ACTIONS: Final[dict[str, Action]] = {
    "adds": (6, Listener._adds),
    "inserts": (4, Listener._inserts),
    "plays next": (4, Listener._plays_next),
    "removes": (4, Listener._removes),
    "moves": (4, Listener._moves),
    "clears": (1, Listener._clears),
    "undoes": (2, Listener._undoes),
    "likes": (2, Listener._likes),
    "rates": (1, Listener._rates),
    "sets": (2, Listener._sets),
    "listens": (2, Listener._listens),
    "marks": (1, Listener._marks),
    "renames": (1, Listener._renames),
    "plays": (2, Listener._plays),
    "pauses": (1, Listener._pauses),
    "resumes": (1, Listener._resumes),
    "seeks": (1, Listener._seeks),
    "skips": (2, Listener._skips),
    "goes back": (1, Listener._goes_back),
    "transfers": (1, Listener._transfers),
    "shuffles": (1, Listener._shuffles),
    "changes speed": (1, Listener._changes_speed),
}
"""Name -> how often, against the others, and how."""
_PUTTING_IN: Final = frozenset({"adds", "inserts", "plays next"})

CONTROLS: Final = frozenset({"pauses", "resumes", "seeks", "skips", "goes back", "transfers", "changes speed", "plays"})
"""What may be refused as expired when it comes late."""

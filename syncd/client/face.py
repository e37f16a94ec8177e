"""What an app sees of a device: everything that needs no connection.

All of it is synchronous and may be called from any thread; results of actions may be awaited, which waits for nothing.
The lifecycle around it is that of `syncd.client.Device` (asyncio) or `syncd.client.sync.Device` (threads).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from syncd.client.change import Change, Refusal
from syncd.client.context import Contexts, Radio, Upcoming
from syncd.client.done import Done
from syncd.client.draft import Draft
from syncd.client.editable_list import EditableList
from syncd.client.fenced import Fenced
from syncd.client.history import History
from syncd.client.json_like import JsonLike
from syncd.client.library import Library
from syncd.client.lists import Lists
from syncd.client.local_state import LocalState
from syncd.client.player import Player
from syncd.client.playlist import Playlist, new_playlist_id, playlist_stream
from syncd.client.progress import Progress
from syncd.client.renderer import Renderer
from syncd.client.settings import Settings
from syncd.client.sidebar import Sidebar
from syncd.errors import NotFound
from syncd.model.cells import Cell
from syncd.model.events import DeviceDescribed, JsonObject
from syncd.model.ids import ItemId, is_stream
from syncd.model.order.blocks import ItemView
from syncd.model.views.devices import DeviceView, devices_view
from syncd.model.views.lists import sidebar_view
from syncd.model.views.modes import ModesView
from syncd.model.views.playback import PlaybackView
from syncd.protocol.client_session import OWN_STREAM
from syncd.protocol.messages import Presence


class Queue(EditableList):
    """The listener's own queue, in the account's stream."""

    def __init__(self, state: LocalState, lists: Lists, player: Player) -> None:
        super().__init__(state, lists, OWN_STREAM, "queue")
        self._player = player

    def play_next(self, *tracks: str | JsonObject) -> Done:
        """Add tracks right after what sounds now, before the rest of the queue."""
        with self._state.lock:
            return self.insert_after(self._sounding(), *tracks)

    def _sounding(self) -> ItemId | None:
        """The queue entry that sounds; None when what sounds is not from the queue, or nothing does."""
        now = self._player.view
        if now is None or now.item.from_ != "queue":
            return None
        entry = ItemId(now.item.id)
        try:
            self._lists.view(OWN_STREAM, "queue").slot_of(entry)
        except NotFound:
            return None
        return entry


class Face:
    """See the module's first lines.

    Attributes:
        queue, library, settings, progress, history: the listener's things.
        player: playback in full; the commands people press are methods of the device as well.
        renderer: for the part of an app that makes the sound.
    """

    def __init__(
        self, state: LocalState, *, contexts: Contexts | None, radio: Radio | None, is_connected: Callable[[], bool]
    ) -> None:
        self._state = state
        self._lists = Lists(state)
        upcoming = Upcoming(state, self._lists, contexts=contexts, radio=radio)
        self.player = Player(state, self._lists, upcoming, is_connected=is_connected)
        self.renderer = Renderer(state, self.player)
        self.queue = Queue(state, self._lists, self.player)
        self.library = Library(state)
        self.settings = Settings(state)
        self.progress = Progress(state)
        self.history = History(state)
        self._sidebar = Sidebar(state, self._lists)
        self._fenced = Fenced(state, self._lists, self.player)
        self._opened: dict[str, None] = {}
        self._library_streams: list[str] | None = None
        self._presence: dict[str, Presence] = {}
        self._on_change: list[Callable[[Change], None]] = []
        self._on_refused: list[Callable[[Refusal], None]] = []
        state.replicas.watch(self._note_library)

    # --- who this is ---

    @property
    def device_id(self) -> str:
        """This device; a provisional id until it was online for the first time."""
        return self._state.header.device

    @property
    def account(self) -> str | None:
        """Whose device it is; None until it was online for the first time."""
        return self._state.header.account

    # --- playback ---

    @property
    def playback(self) -> PlaybackView | None:
        """What plays where, as of now; None when nothing was ever started."""
        return self.player.view

    @property
    def modes(self) -> ModesView:
        """Shuffle, repeat, sleep timer."""
        return self.player.modes

    def play(
        self,
        item: str | JsonObject | ItemView,
        *,
        context: JsonLike = None,
        position_ms: int = 0,
        device: str | None = None,
        playing: bool = True,
    ) -> Done:
        """Play something now; see `Player.play`."""
        return self.player.play(item, context=context, position_ms=position_ms, device=device, playing=playing)

    def pause(self) -> Done:
        """Pause what plays."""
        return self.player.pause()

    def resume(self) -> Done:
        """Go on where it stands."""
        return self.player.resume()

    def seek(self, position_ms: int) -> Done:
        """Go to a place in the item, in ms from its start."""
        return self.player.seek(position_ms)

    def next(self) -> Done:
        """Skip to what comes next; see `Player.next`."""
        return self.player.next()

    def previous(self) -> Done:
        """Back to the start of the item; from there, to the one before."""
        return self.player.previous()

    def transfer(self, device: str) -> Done:
        """Let another device go on with what plays."""
        return self.player.transfer(device)

    def play_here(self) -> Done:
        """Let this device be the one that plays."""
        return self.player.play_here()

    def set_speed(self, speed_permille: int) -> Done:
        """Play faster or slower; 1000 is normal."""
        return self.player.set_speed(speed_permille)

    def set_volume(self, volume_permille: int, *, device: str | None = None) -> Done:
        """Set how loud a device is, 0 to 1000; the one that plays when none is given."""
        return self.player.set_volume(volume_permille, device=device)

    def set_shuffle(self, on: bool, *, seed: int | None = None) -> Done:
        """Shuffle the context, or not."""
        return self.player.set_shuffle(on, seed=seed)

    def set_repeat(self, repeat: Literal["off", "one", "all"]) -> Done:
        """Repeat nothing, the item, or the context."""
        return self.player.set_repeat(repeat)

    def set_sleep(self, *, after_ms: int | None) -> Done:
        """Let playback stop by itself after a while; None takes the timer back."""
        return self.player.set_sleep(after_ms=after_ms)

    # --- playlists and devices ---

    @property
    def playlists(self) -> list[Playlist]:
        """The account's playlists, as its sidebar orders them; deleted ones are left out."""
        with self._state.lock:
            cells = self._state.replicas.get(OWN_STREAM).shown.of("library", "sidebar")
            found = [self._playlist(id_) for id_ in sidebar_view(cells) if is_stream(playlist_stream(id_))]
            return [playlist for playlist in found if not playlist.about.deleted]

    def playlist(self, playlist: str) -> Playlist:
        """One playlist, by id or stream; it is kept in step from now on.

        Raises:
            InvalidEvent: the id has fewer than 16 characters, or others than letters, digits, `._~-`.
        """
        found = self._playlist(playlist)
        if found.stream not in self._opened:
            self._opened[found.stream] = None
            self._state.on_owed()
        return found

    def create_playlist(self, name: str) -> Playlist:
        """Make a playlist, and keep it in the library."""
        playlist = self.playlist(new_playlist_id())
        playlist.describe(name=name)
        self.library.add("playlists", playlist.id)
        return playlist

    def move_playlist(self, playlist: str | Playlist, *, to: int) -> Done:
        """Let a playlist, given by itself, id or stream, show at an index of `playlists` without it.

        Raises:
            NotFound: it is not in `playlists`, or the index is outside; nothing was made.
        """
        stream = playlist_stream(playlist) if isinstance(playlist, str) else playlist.stream
        with self._state.lock:
            return self._sidebar.move(stream[2:], to=to, shown=[each.id for each in self.playlists])

    @property
    def devices(self) -> list[DeviceView]:
        """The devices of the account that have described themselves."""
        with self._state.lock:
            return devices_view(self._state.replicas.get(OWN_STREAM).shown.of("device"))

    @property
    def presence(self) -> Mapping[str, Presence]:
        """Which devices are connected, by id, as the server said last; empty while this one is not."""
        return dict(self._presence)

    def describe(
        self,
        *,
        name: str | None | UnsetType = UNSET,
        kind: str | None | UnsetType = UNSET,
        capabilities: JsonLike | UnsetType = UNSET,
    ) -> Done:
        """Say what this device is called, what kind it is, and what it can do."""
        data = DeviceDescribed(self.device_id, name=name, kind=kind, capabilities=capabilities)
        return Done(self._state, [self._state.make(Draft("device.described", data))])

    # --- the plain layer below ---

    def emit(self, kind: str, data: Any, *, stream: str = OWN_STREAM, valid_ms: int | None = None) -> Done:
        """Make any event. `data` is plain JSON, or an instance of the struct of its kind.

        Raises:
            InvalidEvent, LimitExceeded: the server would refuse it; nothing was made.
            StoreBusy: the local store did not take it; nothing was made.
        """
        return Done(self._state, [self._state.make(Draft(kind, data, stream, valid_ms))])

    def cells(self, stream: str = OWN_STREAM) -> Mapping[str, Cell]:
        """All cells of a stream as they show: confirmed ones joined with what is pending. A copy."""
        with self._state.lock:
            return dict(self._state.replicas.get(stream).shown)

    def digest(self, stream: str = OWN_STREAM) -> str:
        """The digest of the confirmed cells of a stream: 16 hex digits."""
        with self._state.lock:
            return self._state.replicas.get(stream).digest()

    @property
    def owed(self) -> int:
        """How many own events have no answer yet."""
        return len(self._state.outbox)

    # --- changes ---

    def on_change(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call `callback` after every change, on the device's event loop. Returns what ends that."""
        self._on_change.append(callback)
        return lambda: _discard(self._on_change, callback)

    def on_refused(self, callback: Callable[[Refusal], None]) -> Callable[[], None]:
        """Call `callback` when an own event was refused for good. Returns what ends that."""
        self._on_refused.append(callback)
        return lambda: _discard(self._on_refused, callback)

    # --- inside ---

    def _playlist(self, playlist: str) -> Playlist:
        found = Playlist(self._state, self._lists, playlist)
        self._state.replicas.get(found.stream)
        return found

    def _wanted(self) -> list[str]:
        """The playlists to be in step with: those an app has opened, and those of the library. Asked very often."""
        if self._library_streams is None:
            with self._state.lock:
                cells = self._state.replicas.get(OWN_STREAM).shown.of("library", "sidebar")
                streams = map(playlist_stream, sidebar_view(cells))
                self._library_streams = [stream for stream in streams if is_stream(stream)]
        return [*self._opened, *self._library_streams]

    def _note_library(self, change: Change) -> None:
        if change.stream == OWN_STREAM and any(
            key.startswith(("library/playlists/", "sidebar/")) for key in change.cells
        ):
            self._library_streams = None


def _discard(callbacks: list[Any], callback: Any) -> None:
    if callback in callbacks:
        callbacks.remove(callback)

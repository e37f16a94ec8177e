"""Playback, as a listener commands it from any device of the account.

A command is an event like any other: it shows at once, merges with what others press, and needs no connection. One for
a session that another device renders is good for 10 s only, so that a press made in a tunnel neither stops nor starts a
room hours later. Source: merge.md section 3.2.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Literal

from syncd.client.context import Upcoming, played_item
from syncd.client.done import Done, Restore
from syncd.client.draft import Draft
from syncd.client.json_like import JsonLike
from syncd.client.lists import Lists
from syncd.client.local_state import LocalState
from syncd.client.own_event import OwnEvent
from syncd.errors import NotFound
from syncd.limits import CONTROL_VALID_MS
from syncd.model.events import (
    DeviceVolumeChanged,
    JsonObject,
    PlaybackAdvanced,
    PlaybackModeChanged,
    PlaybackPaused,
    PlaybackResumed,
    PlaybackSeeked,
    PlaybackSpeedChanged,
    PlaybackStarted,
    Shuffle,
)
from syncd.model.ids import EventId, ItemId, key_part
from syncd.model.order.blocks import ItemView
from syncd.model.views.modes import ModesView
from syncd.model.views.playback import PlaybackView, playback_view
from syncd.model.views.plays import Play, Plays, shown_head
from syncd.model.views.sounding import NORMAL_SPEED_PERMILLE
from syncd.protocol.client_session import OWN_STREAM

BACK_MS = 3_000
"""Further into an item than this, "previous" goes to its start: people press it to hear the beginning again."""
CONTROLS_MAX = 16
"""Commands remembered; nobody presses more within the two seconds that matter."""
PLAYBACK_FAMILIES = ("play", "play_at", "play_on", "play_off", "play_speed", "play_report", "mode", "device")
"""The cells that tell what plays where."""


class Player:
    """See the module's first lines.

    Attributes:
        controls: the last commands for the session that showed, for `syncd.client.fenced`.
    """

    def __init__(
        self, state: LocalState, lists: Lists, upcoming: Upcoming, *, is_connected: Callable[[], bool]
    ) -> None:
        self._state = state
        self._lists = lists
        self._upcoming = upcoming
        self._is_connected = is_connected
        self.controls: deque[OwnEvent] = deque(maxlen=CONTROLS_MAX)

    # --- what shows ---

    @property
    def view(self) -> PlaybackView | None:
        """What plays where, as of now by the server's clock; None when nothing was ever started."""
        with self._state.lock:
            return self._view(self._lists.detached_device())

    @property
    def live(self) -> PlaybackView | None:
        """The account's live session, also while this device plays something by itself."""
        with self._state.lock:
            return self._view(None)

    @property
    def modes(self) -> ModesView:
        """Shuffle, repeat, sleep timer."""
        with self._state.lock:
            return self._upcoming.modes

    @property
    def offers_play_here(self) -> bool:
        """Whether this device plays by itself what it began without a connection, while a live session goes on."""
        with self._state.lock:
            view, live = self.view, self.live
            return view is not None and view.detached and live is not None

    # --- starting ---

    def play(
        self,
        item: str | JsonObject | ItemView,
        *,
        context: JsonLike = None,
        position_ms: int = 0,
        device: str | None = None,
        playing: bool = True,
    ) -> Done:
        """Play something now.

        Args:
            item: a track, an object with `track` (and `id`, `duration_ms`), or an entry of the queue or a playlist.
            context: what to go on with afterwards; see `syncd.client.context`.
            device: who plays it; this device when not given.
        """

        def build() -> Draft:
            return self._start(self._item(item, context), device, context=context, position_ms=position_ms,
                               playing=playing, speed_permille=self._speed())  # fmt: skip

        return self._act(build)

    def transfer(self, device: str) -> Done:
        """Let another device go on with what plays, at the same place.

        Raises:
            NotFound: nothing was ever started.
        """
        return self._act(lambda: self._go_on(device, self._now()))

    def play_here(self) -> Done:
        """Let this device be the one that plays: what it plays by itself, or else what plays elsewhere.

        Raises:
            NotFound: nothing was ever started.
        """
        return self._act(lambda: self._go_on(self._state.header.device, self._now()))

    def leave_detached(self) -> None:
        """Show the live session again, and forget about the one this device began by itself."""
        with self._state.lock:
            view = self.view
            if view is not None and view.detached:
                self._state.leave(view.epoch)
                self._lists.consumption_changed()

    # --- controls ---

    def pause(self) -> Done:
        """Pause what plays."""
        return self._control(lambda now: ("playback.paused", PlaybackPaused(epoch=now.epoch)))

    def resume(self) -> Done:
        """Go on where it stands."""
        return self._control(lambda now: ("playback.resumed", PlaybackResumed(now.epoch, now.play, now.position_ms)))

    def seek(self, position_ms: int) -> Done:
        """Go to a place in the item, in ms from its start."""
        return self._control(lambda now: ("playback.seeked", PlaybackSeeked(now.play, position_ms, now.playing)))

    def set_speed(self, speed_permille: int) -> Done:
        """Play faster or slower; 1000 is normal."""
        return self._control(
            lambda now: (
                "playback.speed_changed",
                PlaybackSpeedChanged(now.epoch, now.play, now.position_ms, now.playing, speed_permille),
            )
        )

    def next(self) -> Done:
        """Skip to what comes next.

        Raises:
            NotFound: there is nothing to go on with.
        """
        return self._control(lambda now: self._advance(automatic=False))

    def ended(self) -> Done:
        """What sounds has come to its natural end. For the device that renders it, and for nobody else.

        Goes on with what comes next; when there is nothing, playback pauses.
        """

        def build(now: PlaybackView) -> tuple[str, Any]:
            try:
                return self._advance(automatic=True)
            except NotFound:
                return "playback.paused", PlaybackPaused(epoch=now.epoch)

        return self._control(build)

    def previous(self) -> Done:
        """Back to the start of the item; from there, to what came before it in its context."""

        def build(now: PlaybackView) -> tuple[str, Any]:
            head = self._head()
            item = None if now.position_ms > BACK_MS else self._upcoming.before(head)
            if item is None:
                return "playback.seeked", PlaybackSeeked(now.play, 0, now.playing)
            return "playback.advanced", PlaybackAdvanced(head.epoch, head.generation + 1, [head.id], item)

        return self._control(build)

    def set_volume(self, volume_permille: int, *, device: str | None = None) -> Done:
        """Set how loud a device is: the one that plays, when none is given; this one, when nothing does."""
        with self._state.lock:
            view = self.view
            of_device = device or (self._state.header.device if view is None else view.device)
            key = f"device/{key_part(of_device)}/volume_permille"
            before = self._state.replicas.get(OWN_STREAM).shown.get(key)

            def restore(event: OwnEvent, mine: AbstractSet[str]) -> Iterable[Draft]:
                if mine and before is not None:
                    yield self._volume(of_device, before.value)

            return self._act(lambda: self._volume(of_device, volume_permille), restore)

    # --- modes ---

    def set_shuffle(self, on: bool, *, seed: int | None = None) -> Done:
        """Shuffle the context, or not. `seed` makes the order; a new one when not given."""
        drawn = secrets.randbelow(2**32) if seed is None else seed
        return self._set_mode("shuffle", PlaybackModeChanged(shuffle=Shuffle(on=on, seed=drawn)))

    def set_repeat(self, repeat: Literal["off", "one", "all"]) -> Done:
        """Repeat nothing, the item, or the context."""
        return self._set_mode("repeat", PlaybackModeChanged(repeat=repeat))

    def set_sleep(self, *, after_ms: int | None) -> Done:
        """Let playback stop by itself after a while; None takes the timer back."""
        at_ms = None if after_ms is None else self._state.time.now_ms() + after_ms
        return self._set_mode("sleep_at_ms", PlaybackModeChanged(sleep_at_ms=at_ms))

    # --- inside ---

    def _act(self, build: Callable[[], Draft], restore: Restore | None = None) -> Done:
        return Done(self._state, [self._state.act(build)], restore)

    def _control(self, build: Callable[[PlaybackView], tuple[str, Any]]) -> Done:
        """A command for the session that shows. Raises `NotFound` when there is none."""

        def draft() -> Draft:
            now = self._now()
            kind, data = build(now)
            return Draft(kind, data, valid_ms=self._valid_ms(now.device))

        done = self._act(draft)
        self.controls.append(done.events[0])
        return done

    def _valid_ms(self, device: str) -> int | None:
        """How long a command for a device is good: for ever on this one."""
        return None if device == self._state.header.device else CONTROL_VALID_MS

    def _view(self, device: str | None) -> PlaybackView | None:
        cells = self._state.replicas.get(OWN_STREAM).shown.of(*PLAYBACK_FAMILIES)
        return playback_view(cells, self._state.time.now_ms(), device=device)

    def _now(self) -> PlaybackView:
        view = self.view
        if view is None:
            raise NotFound("nothing was ever played on this account")
        return view

    def _head(self) -> Play:
        head = shown_head(self._lists.plays(), self._lists.detached_device())
        if head is None:
            raise NotFound("nothing was ever played on this account")
        return head

    def _speed(self) -> int:
        view = self.view
        return NORMAL_SPEED_PERMILLE if view is None else view.speed_permille

    def _item(self, item: str | JsonObject | ItemView, context: JsonLike) -> dict[str, Any]:
        if isinstance(item, ItemView):
            id_ = ItemId(item.id)
            in_queue = self._lists.view(OWN_STREAM, "queue").shows(id_)
            return played_item({**item.item, "id": id_}, "queue" if in_queue else "context")
        given = {"track": item} if isinstance(item, str) else item
        if "id" in given:
            return played_item(given, str(given.get("from", "context")))
        same = (each for each in self._upcoming.items(context) if each["track"] == given["track"])
        return played_item({**next(same, {"id": given["track"]}), **given}, "context")

    def _start(
        self, item: dict[str, Any], device: str | None, *, context: JsonLike, position_ms: int, playing: bool,
        speed_permille: int,
    ) -> Draft:  # fmt: skip
        """Open an epoch. One that this device opens without a connection is its own until it can be adopted."""
        me = self._state.header.device
        target = device or me
        data = PlaybackStarted(
            device=target,
            item=item,
            follows=[*self._followed()],
            position_ms=position_ms,
            playing=playing,
            speed_permille=speed_permille,
            context=context,
            detached=target == me and not self._is_connected(),
        )
        # A start for another device expires like a control: made in a tunnel, it must not start a room hours later.
        return Draft("playback.started", data, valid_ms=self._valid_ms(target))

    def _go_on(self, device: str, now: PlaybackView) -> Draft:
        item = dict(self._head().item)
        return self._start(item, device, context=now.context, position_ms=now.position_ms, playing=now.playing,
                           speed_permille=now.speed_permille)  # fmt: skip

    def _followed(self) -> list[EventId]:
        """The head that shows; connected, also the live one, so that what either has heard is consumed."""
        plays: Plays = self._lists.plays()
        heads = [shown_head(plays, self._lists.detached_device())]
        if self._is_connected():
            heads += [plays.detached_head(self._state.header.device), plays.head()]
        return list(dict.fromkeys(head.id for head in heads if head is not None))[:2]

    def _advance(self, *, automatic: bool) -> tuple[str, Any]:
        head = self._head()
        item = self._upcoming.after(head, automatic=automatic)
        if item is None:
            raise NotFound("there is nothing to go on with: the queue is empty, and the context at its end")
        return "playback.advanced", PlaybackAdvanced(
            head.epoch, head.generation + 1, [head.id], item, automatic=automatic
        )

    def _volume(self, device: str, volume_permille: Any) -> Draft:
        data = DeviceVolumeChanged(device, volume_permille)
        return Draft("device.volume_changed", data, valid_ms=self._valid_ms(device))

    def _set_mode(self, mode: str, data: PlaybackModeChanged) -> Done:
        with self._state.lock:
            before = self._state.replicas.get(OWN_STREAM).shown.get(f"mode/{mode}")

        def restore(event: OwnEvent, mine: AbstractSet[str]) -> Iterable[Draft]:
            if mine and before is not None:
                yield Draft("playback.mode_changed", {mode: before.value})

        return self._act(lambda: Draft("playback.mode_changed", data), restore)

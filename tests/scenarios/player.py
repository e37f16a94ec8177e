"""A device with buttons: it resolves what is pressed against what it shows, as an SDK does.

room = Room()                   # X plays on the phone since 0 ms, the queue is Y Z W, everybody has seen that
room.at(20_000)
room.phone.pause()
room.web.seek(90_000)           # unaware of the pause: nobody called room.all_see()
assert_every_order(room.admitted, lambda cells: …)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from world import START_MS, Device, World

from syncd.limits import CONTROL_VALID_MS
from syncd.model.cells import Cells
from syncd.model.events import Event
from syncd.model.ids import ItemId
from syncd.model.order.blocks import ItemView
from syncd.model.views.lists import list_view
from syncd.model.views.playback import PlaybackView, playback_view
from syncd.model.views.plays import Plays, consumed, shown_head
from syncd.model.views.sounding import commands

MINUTE_MS = 60_000
DURATION_MS = 240 * MINUTE_MS
"""Longer than every scenario, so that no position is clamped by accident."""


class Shown(NamedTuple):
    """What a device shows of playback, as a scenario states it."""

    track: str
    device: str
    playing: bool
    position_ms: int


def shown(cells: Cells, *, at: int, device: str | None = None) -> Shown | None:
    """What `device` (a server, when None) shows at `at` ms after the world's start."""
    view = playback_view(cells, START_MS + at, device=device)
    return None if view is None else Shown(view.item.track, view.device, view.playing, view.position_ms)


def queue(cells: Cells, *, device: str | None = None) -> list[str]:
    """The tracks that the queue shows."""
    return [str(entry.item["track"]) for entry in queued(cells, device=device)]


def queued(cells: Cells, *, device: str | None = None) -> list[ItemView]:
    """The entries that the queue shows."""
    return list_view(cells, "queue", consumed=consumed(cells, device=device))


def expect(
    *,
    at: int,
    track: str,
    on: str = "phone",
    playing: bool = True,
    position_ms: int | None = None,
    left: str | None = None,
) -> Callable[[Cells], None]:
    """A check of what shows at `at` ms; `left` are the tracks still in the queue, as "Z W"."""

    def check(cells: Cells) -> None:
        now = shown(cells, at=at)
        assert now is not None
        expected = Shown(track, on, playing, now.position_ms if position_ms is None else position_ms)
        assert now == expected
        if left is not None:
            assert queue(cells) == left.split()

    return check


class Player:
    """The buttons of one device."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.name = device.name

    @property
    def view(self) -> PlaybackView:
        """What this device shows now, by what it has seen."""
        view = playback_view(self.device.cells, self.device.world.now_ms, device=self.name)
        assert view is not None, "nothing was started yet"
        return view

    def sees(self, *events: Event) -> None:
        self.device.sees(*events)

    def sees_all(self) -> None:
        self.device.sees_all()

    def add_to_queue(self, *tracks: str) -> Event:
        """The first insertion into an empty queue."""
        items = [{"track": track} for track in tracks]
        return self.device.emit("list.inserted", list="queue", parent=None, side="R", items=items)

    def start(
        self,
        track: str,
        *,
        on: str | None = None,
        position_ms: int = 0,
        playing: bool = True,
        speed_permille: int = 1_000,
        detached: bool = False,
        follows: Sequence[str] | None = None,
        item: dict[str, object] | None = None,
    ) -> Event:
        """Play this; `on` another device it is a transfer. It follows the head that this device sees."""
        head = shown_head(Plays(self.device.cells), self.name)
        return self.device.emit(
            "playback.started",
            device=on or self.name,
            item=item or context_item(track),
            context={"album": "A"},
            follows=([head.id] if head else []) if follows is None else follows,
            position_ms=position_ms,
            playing=playing,
            speed_permille=speed_permille,
            detached=detached,
        )

    def transfer(self, to: str) -> Event:
        """The same item, from where it is, on another device."""
        view = self.view
        item = {"from": view.item.from_, "id": view.item.id, "track": view.item.track, "duration_ms": DURATION_MS}
        return self.start("", on=to, position_ms=view.position_ms, playing=view.playing, item=item)

    def adopt(self) -> Event:
        """Make the session that this device began by itself the live one: it follows both."""
        live = Plays(self.device.cells).head()
        view = self.view
        item = {"from": view.item.from_, "id": view.item.id, "track": view.item.track, "duration_ms": DURATION_MS}
        follows = [view.play, *([live.id] if live else [])]
        return self.start("", position_ms=view.position_ms, playing=view.playing, item=item, follows=follows)

    def next(self, *, automatic: bool = False) -> Event:
        """The first unconsumed queue entry, else the next item of the context."""
        entries = queued(self.device.cells, device=self.name)
        if entries:
            return self.advance(queue_item(entries[0].id, str(entries[0].item["track"])), automatic=automatic)
        return self.advance(context_item("from the context"), automatic=automatic)

    def repeat(self) -> Event:
        """The natural end with repeat one: the same item again."""
        item = self.view.item
        return self.advance({"from": item.from_, "id": item.id, "track": item.track}, automatic=True)

    def advance(self, item: dict[str, object], *, automatic: bool) -> Event:
        view = self.view
        return self.device.emit(
            "playback.advanced",
            epoch=view.epoch,
            generation=view.generation + 1,
            follows=[view.play],
            item=item,
            automatic=automatic,
        )

    def pause(self) -> Event:
        return self.device.emit("playback.paused", epoch=self.view.epoch)

    def pause_in_tunnel(self) -> Event:
        """A control that waits for a connection; it expires (`Device.admit`)."""
        return self.device.make("playback.paused", epoch=self.view.epoch)

    def arrives(self, event: Event) -> Event:
        """Deliver a control made in a tunnel."""
        return self.device.admit(event, valid_ms=CONTROL_VALID_MS)

    def resume(self) -> Event:
        view = self.view
        return self.device.emit("playback.resumed", epoch=view.epoch, play=view.play, position_ms=view.position_ms)

    def seek(self, position_ms: int) -> Event:
        view = self.view
        return self.device.emit("playback.seeked", play=view.play, position_ms=position_ms, playing=view.playing)

    def set_speed(self, speed_permille: int) -> Event:
        view = self.view
        return self.device.emit(
            "playback.speed_changed",
            epoch=view.epoch,
            play=view.play,
            position_ms=view.position_ms,
            playing=view.playing,
            speed_permille=speed_permille,
        )

    def report(self, position_ms: int, *, buffering: bool = False) -> Event:
        """The renderer's measure."""
        cells = self.device.cells
        head = shown_head(Plays(cells), self.name)
        assert head is not None
        answers = commands(cells, head, self.name).answers
        return self.device.emit(
            "playback.reported", play=head.id, position_ms=position_ms, buffering=buffering, answers=answers
        )


def context_item(track: str) -> dict[str, object]:
    """An item of what was chosen to play, as an album."""
    return {"from": "context", "id": f"of-album-{track}", "track": track, "duration_ms": DURATION_MS}


def queue_item(id_: ItemId, track: str) -> dict[str, object]:
    """An item of the listener's own queue."""
    return {"from": "queue", "id": id_, "track": track, "duration_ms": DURATION_MS}


class Room(World):
    """X plays on the phone since 0 ms, the queue is Y Z W; phone, web and speaker have seen that."""

    def __init__(self) -> None:
        super().__init__()
        self.phone = Player(self.device("phone"))
        self.web = Player(self.device("web"))
        self.speaker = Player(self.device("speaker"))
        self.phone.add_to_queue("Y", "Z", "W")
        self.start = self.phone.start("X")
        self.all_see()

"""Pending edits that hang on a slot which is not there: a server that was restored from a backup has forgotten it, or
this device was killed before the slot was on its disk."""

from __future__ import annotations

from pathlib import Path

from desk import OWN, TIMEOUT_S, ServerEnd, Wire, data_of, device_on, face_of, played, state_of, tracks

from syncd.client import Device, DeviceState, Refusal
from syncd.model.cells import Cell, Cells
from syncd.model.events import Event, ListInserted
from syncd.model.lowering import lower
from syncd.model.stamp import pack
from syncd.protocol.messages import Delta, Pong
from syncd.testing.device_clock import START_MS

ELSEWHERE = "elsewhere0"


def of_another_device(seq: int, *names: str, parent: str | None = None) -> Cells:
    """What an insertion by another device has written."""
    data = ListInserted("queue", [{"track": name} for name in names], "R", parent)
    return lower(Event(OWN, ELSEWHERE, seq, pack(START_MS, seq), "list.inserted", data))


async def offline(device: Device, wire: Wire, server: ServerEnd) -> None:
    wire.is_down = True
    server.hang_up()
    await device.until(lambda: device.state is not DeviceState.CONNECTED, timeout_s=TIMEOUT_S)


async def back(device: Device, wire: Wire, cells: dict[str, Cell]) -> ServerEnd:
    """Connected again, to a server that holds these cells, after nobody knows what."""
    wire.is_down = False
    device.hurry()
    server = await wire.accepted()
    await server.take_in(cells=cells)
    return server


@played
async def test_edits_whose_place_is_gone_are_made_again_at_the_end_in_their_order(wire: Wire) -> None:
    async with device_on(wire) as device:
        refused: list[Refusal] = []
        device.on_refused(refused.append)
        server = await wire.accepted()
        kept = of_another_device(1, "a")
        lost = of_another_device(2, "b", "c", parent=f"{ELSEWHERE}.1.0")
        await server.take_in(cells={**kept, **lost})
        await device.until(lambda: device.queue.tracks == ["a", "b", "c"], timeout_s=TIMEOUT_S)
        await offline(device, wire, server)
        device.queue.insert(2, "x")  # between two that will be gone
        device.queue.insert(3, "y")
        device.queue.move(device.queue.items[-1].id, to=0)  # it will be gone itself: that does nothing then
        assert device.queue.tracks == ["c", "a", "b", "x", "y"]
        server = await back(device, wire, kept)
        moved, *events = await server.heard_events(3)
        assert moved.kind == "list.moved"
        assert tracks(events) == ["x", "y"]
        server.ack(moved)
        server.ack(*events)
        await device.settled(timeout_s=TIMEOUT_S)
        assert device.queue.tracks == ["a", "x", "y"]
        assert [(told.reason, told.reissued) for told in refused] == [("orphan", True), ("orphan", True)]


@played
async def test_edits_whose_place_is_there_leave_as_they_were_made(wire: Wire) -> None:
    async with device_on(wire) as device:
        server = await wire.accepted()
        kept = of_another_device(1, "a", "b")
        await server.take_in(cells=kept)
        await device.until(lambda: len(device.queue) == 2, timeout_s=TIMEOUT_S)
        await offline(device, wire, server)
        made = device.queue.insert(1, "x").events[0]
        server = await back(device, wire, kept)
        (event,) = await server.heard_events(1)
        assert (event.seq, data_of(event)["parent"]) == (1, f"{ELSEWHERE}.1.1")
        assert event.t == made.event.t


@played
async def test_edits_whose_place_is_still_to_come_are_not_made_twice(wire: Wire, tmp_path: Path) -> None:
    # Own events are on the disk at once, what others did a moment later: a kill in between, or a backup, keeps an edit
    # without its place. The server had admitted it, and said "tail", which is complete only when all of it has come.
    path = tmp_path / "s.db"
    killed = state_of(path)
    face = face_of(killed)
    place = Delta(OWN, [(key, cell.rank, cell.value) for key, cell in of_another_device(1, "a", "b").items()], "c2")
    killed.heard(place)
    made = [face.queue.insert(1, "x").events[0], face.queue.add("y").events[0]]
    async with device_on(wire, store=str(path)) as device:
        server = await wire.accepted()
        await server.take_in(resume="tail", next_seq=3)
        ping = await server.heard_ping()
        assert server.is_quiet()
        server.say(place, Pong(ping.sent_ms, START_MS))
        events = await server.heard_events(2)
        assert [(event.seq, event.t) for event in events] == [(event.pending.seq, event.event.t) for event in made]
        server.ack(*events, seen=True)
        await device.settled(timeout_s=TIMEOUT_S)

"""A fresh writer changes every name and nothing that a listener sees."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from desk import DEVICE, face_of, login, state_of
from hypothesis import given
from hypothesis import strategies as st

from syncd.client.done import Done, Undo
from syncd.client.face import Face
from syncd.client.renumber import Identity, renumber
from syncd.errors import NotFound
from syncd.model.events import EVENTS
from syncd.model.ids import event_id
from syncd.model.references import references
from syncd.model.restamp import Pending
from syncd.model.stamp import stamp
from syncd.operations.schemas.samples.events import LAPTOP, PHONE, SAMPLES, Sample
from syncd.testing.device_clock import ManualDeviceClock

OLD, NEW = Identity("oldwriter0", "d-old"), Identity("newwriter0", "d-new")
PLAYLIST = "p:0123456789abcdef"


def pending(seq: int, kind: str, data: Any, *, stream: str = "a:me", t: int = 0) -> Pending:
    """An own event; `t` defaults to its seq."""
    return Pending(stream=stream, seq=seq, t=t or seq, kind=kind, data=msgspec.convert(data, EVENTS[kind]), sent=False,
                   seen_t=0, wall_ms=0, monotonic_ms=0, boot="b")  # fmt: skip


def rewritten(*events: Pending) -> list[Any]:
    """The data of events under the new writer, as plain JSON."""
    return [msgspec.to_builtins(event.data) for event in renumber(events, old=OLD, new=NEW)]


def insertion(parent: str | None = None, **more: Any) -> dict[str, Any]:
    return {"list": "queue", "parent": parent, "side": "R", "items": [{"track": "t"}], **more}


def test_seqs_are_counted_from_1_on_each_stream_whatever_is_missing() -> None:
    events = [
        pending(4, "library.changed", {"set": "tracks", "ids": ["t"], "value": True}),
        pending(2, "playlist.described", {"name": "n"}, stream=PLAYLIST),
        pending(7, "library.changed", {"set": "tracks", "ids": ["t"], "value": True}),
    ]
    renamed = renumber(events, old=OLD, new=NEW)
    assert [(event.stream, event.seq) for event in renamed] == [("a:me", 1), (PLAYLIST, 1), ("a:me", 2)]
    assert [event.t for event in renamed] == [event.t for event in events]


def test_slots_and_items_of_pending_events_are_renamed_and_those_of_acknowledged_ones_stay() -> None:
    data = rewritten(
        pending(4, "list.inserted", insertion("oldwriter0.3.0")),
        pending(5, "list.moved", {"list": "queue", "parent": "oldwriter0.4.0", "side": "L", "ids": ["oldwriter0.4.0",
                "oldwriter0.3.1", "another000.4.0"]}),
        pending(6, "list.removed", {"list": "queue", "ids": ["oldwriter0.5.0"]}),
        pending(7, "list.moved_back", {"list": "queue", "item": "oldwriter0.4.0", "slot": "oldwriter0.5.0"}),
    )  # fmt: skip
    assert data[0]["parent"] == "oldwriter0.3.0"
    assert (data[1]["parent"], data[1]["ids"]) == (
        "newwriter0.1.0",
        ["newwriter0.1.0", "oldwriter0.3.1", "another000.4.0"],
    )
    assert data[2]["ids"] == ["newwriter0.2.0"]
    assert (data[3]["item"], data[3]["slot"]) == ("newwriter0.1.0", "newwriter0.2.0")


def test_what_a_clear_has_seen_is_parted_between_the_writers() -> None:
    _, data = rewritten(
        pending(4, "list.inserted", insertion()),
        pending(5, "list.cleared", {"list": "queue", "seen": {"oldwriter0": 4, "another000": 9}}),
    )
    assert data["seen"] == {"oldwriter0": 3, "newwriter0": 1, "another000": 9}
    (data,) = rewritten(pending(5, "list.cleared", {"list": "queue", "seen": {"oldwriter0": 4}}))
    assert data["seen"] == {"oldwriter0": 4}
    _, data = rewritten(
        pending(1, "list.inserted", insertion()),
        pending(2, "list.cleared", {"list": "queue", "seen": {"oldwriter0": 1}}),
    )
    assert data["seen"] == {"newwriter0": 1}


def test_plays_epochs_and_stamps_are_renamed() -> None:
    item = {"from": "context", "id": "x", "track": "x"}
    start = {"device": "d-old", "item": item, "follows": ["oldwriter0.2"], "position_ms": 0, "playing": True,
             "speed_permille": 1_000}  # fmt: skip
    data = rewritten(
        pending(3, "playback.started", start),
        pending(4, "playback.advanced", {"epoch": "oldwriter0.3", "generation": 1, "follows": ["oldwriter0.3"],
                "item": item}),
        pending(5, "playback.paused", {"epoch": "oldwriter0.3"}),
        pending(6, "playback.seeked", {"play": "oldwriter0.4", "position_ms": 1, "playing": False}),
        pending(7, "playback.resumed", {"epoch": "oldwriter0.3", "play": "oldwriter0.4", "position_ms": 1}),
        pending(8, "playback.reported", {"play": "oldwriter0.4", "position_ms": 1, "buffering": False,
                "answers": [stamp(4, "oldwriter0"), stamp(4, "another000")]}),
        pending(9, "progress.listened", {"episode": "e", "position_ms": 1, "through": stamp(8, "oldwriter0")}),
        pending(10, "history.played", {"play": "oldwriter0.4", "track": "x", "started_ms": 0, "listened_ms": 5}),
    )  # fmt: skip
    assert (data[0]["device"], data[0]["follows"]) == ("d-new", ["oldwriter0.2"])
    assert (data[1]["epoch"], data[1]["follows"]) == ("newwriter0.1", ["newwriter0.1"])
    assert data[2]["epoch"] == "newwriter0.1"
    assert data[3]["play"] == "newwriter0.2"
    assert (data[4]["epoch"], data[4]["play"]) == ("newwriter0.1", "newwriter0.2")
    assert data[5]["answers"] == [stamp(4, "newwriter0"), stamp(4, "another000")]
    assert data[6]["through"] == stamp(8, "newwriter0")
    assert data[7]["play"] == "newwriter0.2"


def test_what_plays_is_looked_up_in_the_stream_it_comes_from() -> None:
    """The queue's and a playlist's events have seqs of their own, and may be called the same."""
    start = {"device": "d-old", "follows": [], "position_ms": 0, "playing": True, "speed_permille": 1_000}

    def play(seq: int, from_: str, id_: str) -> Pending:
        return pending(seq, "playback.started", {**start, "item": {"from": from_, "id": id_, "track": "t"}})

    data = rewritten(
        pending(6, "list.inserted", insertion()),
        pending(5, "list.inserted", {**insertion(), "list": "items"}, stream=PLAYLIST),
        pending(6, "list.inserted", {**insertion(), "list": "items"}, stream=PLAYLIST),
        play(7, "queue", "oldwriter0.6.0"),
        play(8, "context", "oldwriter0.6.0"),
        play(9, "context", "a track"),
    )
    assert [each["item"]["id"] for each in data[3:]] == ["newwriter0.1.0", "newwriter0.2.0", "a track"]


def test_device_scoped_settings_and_devices_are_renamed() -> None:
    data = rewritten(
        pending(1, "settings.changed", {"d-old/volume": 1, "d-older/volume": 2, "d-old": 3}),
        pending(2, "device.volume_changed", {"device": "d-old", "volume_permille": 5}),
        pending(3, "device.described", {"device": "d-2", "name": "n"}),
    )
    assert data[0] == {"d-new/volume": 1, "d-older/volume": 2, "d-old": 3}
    assert [each["device"] for each in data[1:]] == ["d-new", "d-2"]


STEPS = ["add", "insert", "remove", "move", "clear", "play", "play entry", "next", "previous", "pause", "resume",
         "seek", "volume", "listened", "unplayed", "playlist", "setting", "undo"]  # fmt: skip


def act(face: Face, step: str, n: int, undo: Undo | None) -> Done | None:
    """One thing that a listener may do; `n` picks what it is done to."""
    entries = face.queue.items
    entry = entries[n % len(entries)] if entries else None
    match step:
        case "undo" if undo is not None:
            return undo()
        case "add":
            return face.queue.add(*(f"{n}-{k}" for k in range(1 + n % 3)))
        case "insert":
            return face.queue.insert(n % (len(entries) + 1), f"{n}-i")
        case "remove" if entry is not None:
            return face.queue.remove(entry.id)
        case "move" if entry is not None:
            return face.queue.move(entry.id, to=(n // 7) % len(entries))
        case "clear" if n % 5 == 0:
            return face.queue.clear()
        case "play":
            return face.play("c1", context={"tracks": ["c0", "c1", "c2"]})
        case "play entry" if entry is not None:
            return face.play(entry)
        case "next":
            return face.next()
        case "previous":
            return face.previous()
        case "pause":
            return face.pause()
        case "resume":
            return face.resume()
        case "seek":
            return face.seek(n * 1_000)
        case "volume":
            return face.set_volume(n % 1_000, device=face.device_id)
        case "listened":
            return face.progress.listened("e", n * 1_000)
        case "unplayed":
            return face.progress.mark_played("e", played=False)
        case "playlist":
            return face.playlist(PLAYLIST).add(f"{n}")
        case "setting":
            return face.settings.set(f"{face.device_id}/key", n)
    return None


def seen_by_a_listener(face: Face) -> Any:
    """All views, without names."""
    playback = face.playback
    return (
        face.queue.tracks,
        face.playlist(PLAYLIST).tracks,
        playback and (playback.item.track, playback.item.from_, playback.generation, playback.playing),
        playback and (playback.position_ms, playback.device == face.device_id, playback.detached),
        face.progress.all,
        [key.partition("/")[2] for key in face.settings.all],
        [view.volume_permille for view in face.devices],
    )


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 60)), max_size=25), st.integers(0, 10_000))
def test_a_listener_sees_no_difference(steps: list[tuple[str, int]], pause_ms: int) -> None:
    clock = ManualDeviceClock()
    state = state_of(clock=clock)
    face = face_of(state, identified=False, connected=False)
    undo: Undo | None = None
    for step, n in steps:
        clock.pass_ms(pause_ms)
        with suppress(NotFound):  # nothing plays, or nothing is left to go on with
            done = act(face, step, n, undo)
            undo = undo if done is None else done.undo
    old, before = state.header, seen_by_a_listener(face)
    state.identify(login())
    assert seen_by_a_listener(face) == before
    told = f"{[event.event for event in state.outbox]} {face.cells()} {face.cells(PLAYLIST)}"
    assert old.writer not in told
    assert old.device not in told
    assert face.device_id == DEVICE


NAMING = [sample for sample in SAMPLES if references(sample.kind, sample.event().data)]


@pytest.mark.parametrize("writer", [PHONE, LAPTOP])
@pytest.mark.parametrize("sample", NAMING, ids=[f"{sample.kind}: {sample.name}" for sample in NAMING])
def test_whatever_an_event_cannot_do_without_is_renamed_in_it(sample: Sample, writer: str) -> None:
    """Two tables say where names stand in events, one to read them and one to rewrite them: they must agree."""
    named = references(sample.kind, sample.event().data)
    seqs = sorted(int(name.split(".")[1]) for name in named if name.startswith(f"{writer}."))
    first = [pending(seq, "list.inserted", insertion(), stream=sample.stream) for seq in seqs]
    last = pending(10_000, sample.kind, sample.data, stream=sample.stream)
    renamed = renumber([*first, last], old=Identity(writer, "d-old"), new=NEW)
    names = {event_id(writer, seq): event_id(NEW.writer, n) for n, seq in enumerate(seqs, 1)}
    assert references(sample.kind, renamed[-1].data) == {names.get(name, name) for name in named}

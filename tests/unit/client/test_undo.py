"""Undo: new events that restore what was there, as long as nobody has changed it since."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from desk import face_of

from syncd.client.done import Done, Undo
from syncd.client.errors import UndoGone
from syncd.client.face import Face
from syncd.client.own_event import Outcome
from syncd.errors import LimitExceeded, NotFound
from syncd.model.stamp import stamp
from syncd.protocol.messages import AckItem, Delta, Nack

PLAYLIST = "0123456789abcdef"


def undo_of(done: Done) -> Undo:
    assert done.undo is not None
    return done.undo


def ids(face: Face) -> list[str]:
    return [entry.id for entry in face.queue.items]


@pytest.mark.parametrize(
    "action",
    [
        lambda face: face.queue.add("x", "y"),
        lambda face: face.queue.insert(1, "x"),
        lambda face: face.queue.remove(*ids(face)[:2]),
        lambda face: face.queue.move(ids(face)[2], to=0),
        lambda face: face.queue.move_after(ids(face)[0], left=ids(face)[3]),
        lambda face: face.queue.clear(),
        lambda face: face.library.add("tracks", "liked", "new"),
        lambda face: face.library.remove("tracks", "liked"),
        lambda face: face.library.rate("rated", 0),
        lambda face: face.library.rate("rated", None),
        lambda face: face.settings.update({"set": 2, "unset": 3}),
        lambda face: face.set_repeat("one"),
        lambda face: face.set_shuffle(True),
        lambda face: face.set_volume(900),
        lambda face: face.playlist(PLAYLIST).rename("new"),
        lambda face: face.playlist(PLAYLIST).delete(),
        lambda face: face.playlist(PLAYLIST).share("friend", "viewer"),
    ],
)
def test_undo_restores_what_showed_and_undoing_the_undo_brings_it_back(action: Callable[[Face], Done]) -> None:
    face = face_of()
    face.queue.add("a", "b", "c", "d")
    face.library.add("tracks", "liked")
    face.library.rate("rated", 70)
    face.settings.set("set", 1)
    face.set_repeat("all")
    face.set_shuffle(False, seed=1)
    face.set_volume(500)
    face.playlist(PLAYLIST).describe(name="old", deleted=False)
    face.playlist(PLAYLIST).share("friend", "editor")

    def shown() -> Any:
        settings = {key: value for key, value in face.settings.all.items() if value is not None}
        about = face.playlist(PLAYLIST).about
        return (face.queue.tracks, face.library.sets, settings, face.modes, face.devices[0].volume_permille, about)

    before = shown()
    done = action(face)
    after = shown()
    assert after != before
    back = undo_of(done)()
    assert shown() == before
    assert done.undo is None
    if back.undo is not None:
        back.undo()
        assert shown() == after


def test_undo_leaves_alone_what_somebody_changed_since() -> None:
    face = face_of()
    done = face.library.add("tracks", "t1", "t2")
    later = stamp(done.events[0].event.t + 99, "otherwrite")
    face._state.heard(Delta("a:me", [("library/tracks/t1", later, True)], "c"))
    undo_of(done)()
    assert face.library.has("tracks", "t1")
    assert not face.library.has("tracks", "t2")


def test_undo_is_not_offered_once_all_of_it_was_changed() -> None:
    face = face_of()
    undo = undo_of(face.settings.set("theme", "dark"))
    offered = [undo.is_offered]
    face.settings.set("theme", "light")
    assert [*offered, undo.is_offered] == [True, False]
    with pytest.raises(UndoGone):
        undo()


def test_undo_is_offered_while_pending_and_after_the_ack_and_not_after_a_refusal() -> None:
    face = face_of()
    kept, refused = face.settings.set("a", 1), face.settings.set("b", 1)
    assert kept.outcome is Outcome.PENDING
    event = kept.events[0]
    face._state.acked(AckItem("a:me", event.event.writer, 1, event.event.t + 5), assembling=False)
    face._state.refused(Nack("a:me", 2, "limit", "no"))
    assert (kept.outcome, refused.outcome) == (Outcome.ADMITTED, Outcome.REFUSED)
    assert kept.undo is not None
    assert refused.undo is None


def test_what_another_adds_after_a_clear_stays_when_the_clear_is_undone() -> None:
    face = face_of()
    face.queue.add("a", "b")
    clear = face.queue.clear()
    face.queue.add("c")
    undo_of(clear)()
    assert face.queue.tracks == ["a", "b", "c"]


def test_an_action_may_be_awaited_and_waits_for_nothing() -> None:
    async def story() -> None:
        face = face_of()
        done = await face.queue.add("a")
        assert done.outcome is Outcome.PENDING

    asyncio.run(story())


# --- lists ---


def test_many_tracks_become_several_events_in_one_order() -> None:
    face = face_of()
    face.queue.add("first", "last")
    many = [f"t{n}" for n in range(1_200)]
    done = face.queue.insert(1, *many)
    assert [len(event.event.data.items) for event in done.events] == [500, 500, 200]
    assert face.queue.tracks == ["first", *many, "last"]
    removed = face.queue.remove(*ids(face)[1:-1])
    assert face.queue.tracks == ["first", "last"]
    undo_of(removed)()
    undo_of(done)()
    assert face.queue.tracks == ["first", "last"]
    face.playlist(PLAYLIST).add(*many)
    assert face.playlist(PLAYLIST).tracks == many
    assert [entry.item["track"] for entry in face.playlist(PLAYLIST).slice(598, 601)] == ["t598", "t599", "t600"]


def test_a_mistake_is_told_and_makes_nothing() -> None:
    face = face_of()
    face.queue.add("a")
    owed = face.owed
    with pytest.raises(NotFound, match="index 5 is outside 0 to 1"):
        face.queue.insert(5, "x")
    with pytest.raises(NotFound, match=r"w000000000\.1\.0 is not in queue"):
        face.queue.remove("w000000000.1.0")
    with pytest.raises(LimitExceeded, match="0 items"):
        face.queue.add()
    with pytest.raises(NotFound):
        face.queue.move(ids(face)[0], to=3)
    assert face.owed == owed


def test_nothing_is_emitted_for_what_already_holds() -> None:
    face = face_of()
    face.library.add("tracks", "t1")
    owed = face.owed
    assert face.library.add("tracks", "t1").events == []
    assert face.library.remove("tracks", "t2").events == []
    assert face.owed == owed
    assert face.library.rate("t1", 0).events != []
    assert face.library.rating("t1") == 0
    assert face.library.rate("t1", 0).events == []
    assert face.library.rate("t1", None).events != []
    assert face.library.rating("t1") is None


def test_history_and_progress_show_what_was_reported() -> None:
    face = face_of()
    play = face.play("t1").events[0]
    face.history.played(play.id, "t1", started_ms=1, listened_ms=30_000)
    face.history.played(play.id, "t1", started_ms=1, listened_ms=90_000)
    assert [(entry.track, entry.listened_ms) for entry in face.history.entries] == [("t1", 90_000)]
    face.history.remove(play.id)
    assert face.history.entries == []
    face.progress.listened("e1", 3_000_000, duration_ms=3_600_000)
    face.progress.listened("e1", 600_000)
    found = face.progress.of("e1")
    assert found is not None
    assert (found.resume_ms, found.furthest_ms, found.played) == (600_000, 3_000_000, False)
    face.progress.mark_played("e1")
    assert face.progress.all["e1"].played

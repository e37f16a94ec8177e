"""What comes next, who is to play it, and which commands expire."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from desk import DEVICE, face_of, state_of

from syncd.client.adoption import adopt_if_free
from syncd.client.face import Face
from syncd.client.own_event import OwnEvent
from syncd.errors import NotFound
from syncd.limits import CONTROL_VALID_MS
from syncd.model.cells import Cells
from syncd.model.events import EVENTS, Event
from syncd.model.lowering import lower
from syncd.model.shuffle import shuffled
from syncd.model.stamp import pack
from syncd.protocol.messages import By, Delta
from syncd.testing.device_clock import START_MS, ManualDeviceClock

ABC = {"tracks": ["a", "b", "c"]}


def playing(face: Face) -> str | None:
    """The track that shows as playing, or paused."""
    return None if face.playback is None else face.playback.item.track


def last(face: Face) -> OwnEvent:
    """The event that was made last."""
    return list(face._state.outbox)[-1]


def others(face: Face, kind: str, data: dict[str, Any], *, seq: int, t_ms: int, writer: str = "otherwrite") -> Cells:
    """An event of another device arrives."""
    event = Event("a:me", writer, seq, pack(t_ms), kind, msgspec.convert(data, EVENTS[kind]))
    cells = lower(event)
    by = By("9f3c", "d2", kind, f"{writer}.{seq}", event.t)
    face._state.heard(Delta("a:me", [(key, cell.rank, cell.value) for key, cell in cells.items()], "c", by))
    return cells


def start_elsewhere(face: Face, *, t_ms: int, follows: list[str], seq: int = 1, track: str = "a", **more: Any) -> str:
    """Another device plays something; the id of its play."""
    item = {"from": "context", "id": more.pop("id", "0"), "track": track}
    data = {"device": "d2", "item": item, "follows": follows, "position_ms": 0, "playing": True,
            "speed_permille": 1_000, "context": ABC, **more}  # fmt: skip
    others(face, "playback.started", data, seq=seq, t_ms=t_ms)
    return f"otherwrite.{seq}"


# --- next and previous ---


def test_next_takes_the_queue_then_the_context_then_nothing() -> None:
    face = face_of()
    face.play("a", context=ABC)
    face.queue.add("q1", "q2")
    heard = [playing(face)]
    for _ in range(4):
        face.next()
        heard.append(playing(face))
    assert heard == ["a", "q1", "q2", "b", "c"]
    assert face.queue.tracks == []
    with pytest.raises(NotFound, match="nothing to go on with"):
        face.next()


def test_with_repeat_all_the_context_begins_anew() -> None:
    face = face_of()
    face.set_repeat("all")
    face.play("c", context=ABC)
    face.next()
    assert playing(face) == "a"
    face.previous()
    assert playing(face) == "c"


def test_repeat_one_repeats_by_itself_but_lets_a_pressed_next_pass() -> None:
    face = face_of()
    face.set_repeat("one")
    face.play("a", context=ABC)
    face.player.ended()
    assert playing(face) == "a"
    assert last(face).event.data.automatic
    face.next()
    assert playing(face) == "b"
    assert not last(face).event.data.automatic


def test_at_its_natural_end_with_nothing_left_it_pauses() -> None:
    face = face_of()
    face.play("c", context=ABC)
    face.player.ended()
    assert playing(face) == "c"
    assert face.playback is not None
    assert not face.playback.playing


def test_the_radio_goes_on_where_the_context_ends() -> None:
    face = face_of(radio=lambda context: {"id": "r1", "track": f"like {context['tracks'][0]}"})
    face.play("c", context=ABC)
    face.next()
    assert playing(face) == "like a"


def test_a_shuffled_context_is_played_once_through_in_the_order_of_its_seed() -> None:
    face = face_of()
    context = {"tracks": [f"t{n}" for n in range(12)]}
    face.set_shuffle(True, seed=42)
    face.play("t5", context=context)
    heard = ["t5"]
    for _ in range(11):
        face.next()
        heard.append(str(playing(face)))
    assert heard == [f"t{id_}" for id_ in shuffled(map(str, range(12)), 42, current="5")]
    with pytest.raises(NotFound):
        face.next()
    face.set_repeat("all")
    face.next()
    assert playing(face) == "t5"


def test_shuffle_set_in_the_middle_begins_with_what_sounds() -> None:
    face = face_of()
    context = {"tracks": [f"t{n}" for n in range(8)]}
    face.play("t0", context=context)
    face.next()
    face.set_shuffle(True, seed=7)
    heard = [str(playing(face))]
    for _ in range(7):
        face.next()
        heard.append(str(playing(face)))
    assert heard == [f"t{id_}" for id_ in shuffled(map(str, range(8)), 7, current="1")]


def test_a_track_added_to_a_playlist_is_played_in_its_place() -> None:
    face = face_of()
    playlist = face.create_playlist("mine")
    playlist.add("a", "c")
    face.play(playlist.items[0], context=playlist.context)
    playlist.insert(1, "b")
    face.next()
    assert playing(face) == "b"


def test_when_what_sounds_is_removed_from_its_playlist_next_goes_on_from_its_place() -> None:
    face = face_of()
    playlist = face.create_playlist("mine")
    playlist.add("a", "b", "c", "d")
    face.play(playlist.items[1], context=playlist.context)
    playlist.remove(playlist.items[1].id, playlist.items[2].id)
    face.next()
    assert playing(face) == "d"


def test_a_context_of_the_apps_own_is_asked_first() -> None:
    def contexts(context: Any) -> list[dict[str, Any]] | None:
        return [{"id": "1", "track": "x"}, {"id": "2", "track": "y"}] if context == "album 7" else None

    face = face_of(contexts=contexts)
    face.play("x", context="album 7")
    face.next()
    assert playing(face) == "y"
    face.play("a", context=ABC)
    face.next()
    assert playing(face) == "b"


def test_previous_goes_to_the_start_first_and_then_back() -> None:
    clock = ManualDeviceClock()
    face = face_of(state_of(clock=clock))
    face.play("a", context=ABC)
    face.next()
    clock.pass_ms(10_000)
    face.previous()
    assert (playing(face), face.playback and face.playback.position_ms) == ("b", 0)
    face.previous()
    assert playing(face) == "a"
    face.previous()
    assert playing(face) == "a"


def test_previous_after_an_entry_of_the_queue_returns_to_the_context() -> None:
    face = face_of()
    face.play("b", context=ABC)
    face.queue.add("q")
    face.next()
    face.previous()
    assert playing(face) == "b"
    assert face.queue.tracks == []


def test_play_next_goes_behind_the_entry_that_sounds() -> None:
    face = face_of()
    face.queue.add("q1", "q2")
    face.queue.play_next("first")
    assert face.queue.tracks == ["first", "q1", "q2"]
    face.play(face.queue.items[1])
    assert face.queue.tracks == ["first", "q2"]
    face.queue.play_next("now")
    assert face.queue.tracks == ["first", "now", "q2"]


# --- who plays ---


def test_a_start_follows_the_head_that_shows() -> None:
    face = face_of()
    first = face.play("a").events[0]
    second = face.play("b").events[0]
    assert second.event.data.follows == [first.id]


def test_a_transfer_goes_on_at_the_same_place() -> None:
    clock = ManualDeviceClock()
    face = face_of(state_of(clock=clock))
    face.play("a", context=ABC)
    face.set_speed(1_500)
    clock.pass_ms(10_000)
    face.transfer("speaker")
    view = face.playback
    assert view is not None
    assert (view.device, view.item.track, view.position_ms, view.speed_permille) == ("speaker", "a", 15_000, 1_500)
    assert view.context == ABC


@pytest.mark.parametrize("command", ["pause", "resume", "seek", "set_speed", "next", "previous", "set_volume"])
def test_commands_for_another_device_expire_and_those_for_this_one_do_not(command: str) -> None:
    arguments: dict[str, tuple[int, ...]] = {"seek": (1,), "set_speed": (1_000,), "set_volume": (5,)}
    face = face_of()
    face.play("a", context=ABC)
    getattr(face, command)(*arguments.get(command, ()))
    assert last(face).pending.valid_ms is None
    face.transfer("speaker")
    assert last(face).pending.valid_ms == CONTROL_VALID_MS
    getattr(face, command)(*arguments.get(command, ()))
    assert last(face).pending.valid_ms == CONTROL_VALID_MS


def test_without_a_session_there_is_nothing_to_command() -> None:
    face = face_of()
    with pytest.raises(NotFound, match="nothing was ever played"):
        face.pause()
    assert face.owed == 0


# --- detached sessions ---


def test_what_is_started_without_a_connection_is_this_devices_own() -> None:
    face = face_of(connected=False)
    start_elsewhere(face, t_ms=START_MS - 60_000, follows=[])
    face.play("offline")
    view = face.playback
    assert view is not None
    assert (view.item.track, view.detached) == ("offline", True)
    assert face.player.live is not None
    assert face.player.live.item.track == "a"
    assert face.player.offers_play_here


def test_it_becomes_the_accounts_session_by_itself_when_nothing_else_plays() -> None:
    state = state_of()
    face_of(state, connected=False).play("offline", context=ABC)
    face = face_of(state, identified=False)
    assert adopt_if_free(face.player) is not None
    view = face.playback
    assert view is not None
    assert (view.item.track, view.detached, view.device) == ("offline", False, DEVICE)
    assert adopt_if_free(face.player) is None


def test_it_stays_its_own_while_another_device_plays_and_is_adopted_on_demand_with_all_it_has_heard() -> None:
    state = state_of()
    offline = face_of(state, connected=False)
    offline.queue.add("q1", "q2")
    live = start_elsewhere(offline, t_ms=START_MS - 60_000, follows=[])
    offline.play(offline.queue.items[0])
    own = last(offline)
    face = face_of(state, identified=False)
    assert adopt_if_free(face.player) is None
    assert face.player.offers_play_here
    face.play_here()
    assert set(last(face).event.data.follows) == {live, own.id}
    assert face.queue.tracks == ["q2"]
    assert not face.player.offers_play_here


def test_a_detached_session_can_be_left() -> None:
    state = state_of()
    face = face_of(state, connected=False)
    start_elsewhere(face, t_ms=START_MS - 60_000, follows=[])
    face.queue.add("q1")
    face.play(face.queue.items[0])
    assert face.queue.tracks == []
    face.player.leave_detached()
    assert playing(face) == "a"
    assert face.queue.tracks == ["q1"]


# --- commands that met a fence ---


def fenced(command: str, *arguments: int, **start: Any) -> tuple[Face, list[OwnEvent]]:
    """A command, and then the news that another device had started something shortly before. What is made again."""
    clock = ManualDeviceClock()
    face = face_of(state_of(clock=clock))
    face.play("a", context=ABC)
    play = last(face).id
    if command == "resume":
        face.pause()
    clock.pass_ms(5_000)
    getattr(face, command)(*arguments)
    before = face.owed
    ago_ms = start.pop("ago_ms", 500)
    start_elsewhere(face, t_ms=clock.wall_ms - ago_ms, follows=[play], **start)
    face._fenced.check()
    return face, list(face._state.outbox)[before:]


def test_a_pause_that_met_a_transfer_is_made_again_for_the_new_session() -> None:
    face, again = fenced("pause")
    assert [(event.event.kind, event.event.data.epoch) for event in again] == [("playback.paused", "otherwrite.1")]
    assert face.playback is not None
    assert not face.playback.playing


def test_a_pause_pressed_long_after_the_fence_is_not() -> None:
    assert fenced("pause", ago_ms=2_500)[1] == []


def test_a_seek_and_a_skip_are_made_again_only_for_the_same_item() -> None:
    assert [event.event.data.play for event in fenced("seek", 9_000)[1]] == ["otherwrite.1"]
    assert fenced("seek", 9_000, id="7", track="other")[1] == []
    assert [event.event.data.item["track"] for event in fenced("next")[1]] == ["b"]
    assert fenced("next", id="7", track="other")[1] == []


def test_a_resume_is_not_made_again_where_it_plays_already() -> None:
    assert fenced("resume")[1] == []
    assert [event.event.kind for event in fenced("resume", playing=False)[1]] == ["playback.resumed"]


def test_a_command_is_made_again_once() -> None:
    face, again = fenced("set_speed", 2_000)
    assert len(again) == 1
    face._fenced.check()
    assert last(face) is again[0]

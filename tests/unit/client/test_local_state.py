"""What a device knows and owes: acks, refusals, names and times, and another process on the same store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from desk import ACCOUNT, WRITER, face_of, login, state_of

from syncd.client.change import Change
from syncd.client.draft import Draft
from syncd.client.errors import OtherAccount, StoreBusy, WriterLost
from syncd.client.local_state import LocalState
from syncd.client.own_event import Outcome, OwnEvent
from syncd.errors import InvalidEvent, LimitExceeded, PositionLost
from syncd.model.cells import Cell
from syncd.model.stamp import ms, pack, stamp
from syncd.protocol.client_session import Replaced
from syncd.protocol.messages import AckItem, By, Delta, Nack
from syncd.testing.device_clock import START_MS, ManualDeviceClock


def like(track: str, *, value: bool = True) -> Draft:
    """An event that writes one register."""
    return Draft("library.changed", {"set": "tracks", "ids": [track], "value": value})


def ack(event: OwnEvent, *, t: int | None = None, seen: bool = False, cursor: str | None = None) -> AckItem:
    """The server's answer to an event."""
    pending = event.pending
    return AckItem(pending.stream, event.event.writer, pending.seq, pending.t if t is None else t, seen, cursor)


def identified(**how: Any) -> LocalState:
    """A state that has a writer."""
    state = state_of(**how)
    state.identify(login())
    return state


# --- making events ---


def test_an_event_shows_at_once_and_is_owed() -> None:
    state = identified()
    event = state.make(like("t1"))
    assert state.replicas.get("a:me").shown["library/tracks/t1"].value is True
    assert state.replicas.get("a:me").confirmed == {}
    assert [owed.id for owed in state.outbox] == [event.id] == [f"{WRITER}.1"]


def test_an_event_is_on_the_disk_when_making_it_returns(tmp_path: Path) -> None:
    state = identified(path=tmp_path / "s.db")
    event = state.make(like("t1"))
    assert [owed.id for owed in state_of(tmp_path / "s.db").outbox] == [event.id]


@pytest.mark.parametrize(
    ("draft", "error"),
    [
        (Draft("library.changed", {"set": "tracks", "ids": [], "value": True}), InvalidEvent),
        (Draft("no.such.kind", {}), InvalidEvent),
        (Draft("settings.changed", {"speed": 1.5}), InvalidEvent),
        (Draft("list.inserted", {"list": "items", "side": "R", "items": [{"track": "t"}]}), InvalidEvent),
        (Draft("settings.changed", {"big": "x" * 70_000}), LimitExceeded),
        (Draft("settings.changed", {"a": 1}, "p:short"), InvalidEvent),
    ],
)
def test_what_the_gateway_would_refuse_is_not_made(draft: Draft, error: type[Exception]) -> None:
    state = identified()
    with pytest.raises(error):
        state.make(draft)
    assert len(state.outbox) == 0
    assert state.make(like("t1")).pending.seq == 1


def test_times_rise_even_when_the_wall_clock_falls() -> None:
    clock = ManualDeviceClock()
    state = identified(clock=clock)
    first = state.make(like("t1"))
    clock.wall_ms -= 3_600_000
    assert state.make(like("t2")).event.t > first.event.t


def test_an_event_is_later_than_everything_its_maker_has_seen() -> None:
    state = identified()
    seen_t = pack(START_MS + 400, 7)
    state.heard(Delta("a:me", [], "c", By(ACCOUNT, "d2", "settings.changed", "w.1", seen_t)))
    assert state.make(like("t1")).event.t == seen_t + 1


# --- answers ---


def test_an_ack_moves_the_event_as_admitted_into_confirmed() -> None:
    state = identified()
    event = state.make(like("t1"))
    admitted_t = event.event.t + 5_000
    state.acked(ack(event, t=admitted_t, cursor="c2"), assembling=False)
    replica = state.replicas.get("a:me")
    assert replica.confirmed == {"library/tracks/t1": Cell(stamp(admitted_t, WRITER), True)}
    assert dict(replica.shown) == replica.confirmed
    assert replica.cursor == "c2"
    assert event.outcome is Outcome.ADMITTED
    assert len(state.outbox) == 0


def test_an_ack_adopts_a_time_that_the_gateway_has_clamped() -> None:
    clock = ManualDeviceClock()
    state = identified(clock=clock)
    event = state.make(like("t1"))
    state.acked(ack(event, t=pack(START_MS - 1_000)), assembling=False)
    assert state.replicas.get("a:me").shown["library/tracks/t1"].rank == stamp(pack(START_MS - 1_000), WRITER)


def test_a_seen_ack_drops_the_event_without_folding_it() -> None:
    state = identified()
    event = state.make(like("t1"))
    state.acked(ack(event, seen=True), assembling=False)
    assert state.replicas.get("a:me").confirmed == {}
    assert dict(state.replicas.get("a:me").shown) == {}
    assert len(state.outbox) == 0


def test_a_number_that_another_life_of_the_store_has_used_is_no_answer_to_this_event() -> None:
    """A store restored from a backup made events before it was connected; `last_seq` alone does not tell."""
    state = identified()
    face = face_of(state, identified=False)
    event = face.queue.add("ours").events[0]
    other_t = event.event.t - 5_000
    run = {"parent": None, "side": "R", "t": other_t, "writer": WRITER, "items": [{"track": "theirs"}]}
    state.heard(Delta("a:me", [(f"queue/run/{event.id}", stamp(other_t, WRITER), run)], "c1"))
    with pytest.raises(WriterLost, match=r"another life of this store has sent something else as writer0001\.1"):
        state.acked(ack(event, t=other_t, seen=True), assembling=False)
    state.identify(login("writer0002"))
    assert face.queue.tracks == ["ours", "theirs"] or face.queue.tracks == ["theirs", "ours"]
    assert [owed.id for owed in state.outbox] == ["writer0002.1"]


def test_a_seen_event_is_known_by_its_cells_where_admission_has_changed_its_time() -> None:
    state = identified()
    event = state.make(like("t1"))
    t = event.event.t + 5_000
    state.heard(Delta("a:me", [("library/tracks/t1", stamp(t, WRITER), True)], "c1"))
    assert state.acked(ack(event, t=t, seen=True), assembling=False) is event
    assert len(state.outbox) == 0


def test_an_ack_during_a_snapshot_moves_no_cursor() -> None:
    state = identified()
    event = state.make(like("t1"))
    state.acked(ack(event, cursor="too-early"), assembling=True)
    assert state.replicas.get("a:me").cursor is None


def test_an_ack_of_what_is_not_pending_asks_for_a_snapshot() -> None:
    """Its cells would come by no delta: the one who gets the ack gets none of its own event."""
    state = identified()
    state.heard(Delta("a:me", [], "c1"))
    with pytest.raises(PositionLost, match=r"writer0001\.9 on a:me, which is not pending"):
        state.acked(AckItem("a:me", WRITER, 9, pack(START_MS)), assembling=False)
    assert state.replicas.get("a:me").cursor is None


def test_a_second_answer_to_one_event_changes_nothing() -> None:
    state = identified()
    event = state.make(like("t1"))
    state.acked(ack(event), assembling=False)
    assert state.acked(ack(event, seen=True), assembling=False) is None
    assert "library/tracks/t1" in state.replicas.get("a:me").confirmed


def test_a_refused_event_shows_no_more() -> None:
    state = identified()
    state.heard(Delta("a:me", [("library/tracks/t1", "0" * 21, False)], "c"))
    event = state.make(like("t1"))
    state.refused(Nack("a:me", 1, "limit", "too many"))
    assert state.replicas.get("a:me").shown["library/tracks/t1"].value is False
    assert event.outcome is Outcome.REFUSED
    assert event.refusal == Nack("a:me", 1, "limit", "too many")
    assert len(state.outbox) == 0


def test_a_snapshot_replaces_confirmed_cells_and_keeps_pending_events() -> None:
    state = identified()
    state.heard(Delta("a:me", [("settings/old", "r", 1)], "c1"))
    state.make(like("t1"))
    state.replaced(Replaced("a:me", {"settings/new": Cell("r", 2)}, "c2"))
    assert set(state.replicas.get("a:me").shown) == {"settings/new", "library/tracks/t1"}
    assert state.replicas.get("a:me").cursor == "c2"


def test_an_event_never_sent_that_names_a_stamp_follows_it_when_admission_changes_it() -> None:
    state = identified()
    face = face_of(state, identified=False)
    marked = face.progress.mark_played("e1", played=False).events[0]
    listened = face.progress.listened("e1", 50_000).events[0]
    assert listened.event.data.through == stamp(marked.event.t, WRITER)
    admitted_t = marked.event.t + 9_000
    state.acked(ack(marked, t=admitted_t), assembling=False)
    assert listened.event.data.through == stamp(admitted_t, WRITER)
    found = face.progress.of("e1")
    assert found is not None
    assert found.furthest_ms == 50_000


# --- the disk ---


def test_cells_and_cursor_and_answered_events_reach_the_disk_together(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    state = identified(path=path)
    event = state.make(like("t1"))
    state.acked(ack(event, cursor="c2"), assembling=False)
    before = state_of(path)
    assert before.replicas.get("a:me").cursor is None
    assert len(before.outbox) == 1
    state.flush()
    after = state_of(path)
    assert after.replicas.get("a:me").cursor == "c2"
    assert after.replicas.get("a:me").confirmed == state.replicas.get("a:me").confirmed
    assert len(after.outbox) == 0


def test_what_could_not_be_saved_is_saved_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.db"
    state = identified(path=path)
    state.heard(Delta("a:me", [("settings/a", "r", 1)], "c1"))

    def busy(*_: object, **__: object) -> None:
        raise StoreBusy("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(type(state._store), "save", busy)
        with pytest.raises(StoreBusy):
            state.flush()
    assert state.has_unsaved
    state.flush()
    assert state_of(path).replicas.get("a:me").cursor == "c1"


def test_many_rows_are_written_without_being_asked(tmp_path: Path) -> None:
    state = identified(path=tmp_path / "s.db")
    state.heard(Delta("a:me", [(f"settings/{n}", "r", n) for n in range(2_500)], "c1"))
    assert not state.has_unsaved
    assert len(state_of(tmp_path / "s.db").replicas.get("a:me").confirmed) == 2_500


def test_a_store_is_not_used_for_another_account() -> None:
    state = identified()
    state.check_account(ACCOUNT)
    with pytest.raises(OtherAccount, match="belongs to account 9f3c, the token to another"):
        state.check_account("another")


# --- names and times at reconnect ---


def test_events_never_sent_are_restamped_by_the_monotonic_clock() -> None:
    """The wall clock was an hour slow when they were made; what passed since then is known."""
    clock = ManualDeviceClock(wall_ms=START_MS - 3_600_000)
    state = state_of(clock=clock)
    event = state.make(like("t1"))
    clock.pass_ms(60_000)
    state.time.measure(sent_ms=state.time.monotonic_ms(), server_ms=START_MS)
    state.identify(login())
    assert ms(event.event.t) == START_MS - 60_000


def test_after_a_reboot_they_are_restamped_by_the_wall_clock_and_its_offset() -> None:
    clock = ManualDeviceClock(wall_ms=START_MS - 3_600_000)
    state = state_of(clock=clock)
    event = state.make(like("t1"))
    clock.reboot(off_ms=120_000)
    state.time.measure(sent_ms=state.time.monotonic_ms(), server_ms=START_MS)
    state.identify(login())
    assert ms(event.event.t) == START_MS - 120_000


def test_an_event_that_was_sent_keeps_its_time() -> None:
    clock = ManualDeviceClock(wall_ms=START_MS - 3_600_000)
    state = state_of(clock=clock)
    sent, unsent = state.make(like("t1")), state.make(like("t2"))
    state.mark_sent([sent])
    made_t = sent.event.t
    state.time.measure(sent_ms=state.time.monotonic_ms(), server_ms=START_MS)
    state.identify(login())
    assert sent.event.t == made_t
    assert ms(unsent.event.t) == START_MS


def test_setting_the_wall_clock_by_hand_changes_no_time_once_the_server_was_met() -> None:
    clock = ManualDeviceClock()
    state = identified(clock=clock)
    state.time.measure(sent_ms=state.time.monotonic_ms(), server_ms=START_MS)
    clock.wall_ms += 86_400_000
    assert ms(state.make(like("t1")).event.t) == START_MS


def test_a_fresh_writer_renumbers_what_is_pending_and_everything_that_names_it() -> None:
    state = state_of()
    face = face_of(state, identified=False, connected=False)
    face.queue.add("a", "b", "c")
    face.queue.move(face.queue.items[2].id, to=0)
    face.queue.remove(face.queue.items[1].id)
    face.play(face.queue.items[0])
    face.seek(3_000)
    old = state.header.writer
    shown = (face.queue.tracks, face.playback)
    state.identify(login())
    assert old != WRITER
    assert (face.queue.tracks, face.playback and face.playback.item.track) == (shown[0], "c")
    assert [event.pending.seq for event in state.outbox] == [1, 2, 3, 4, 5]
    assert not any(old in str(event.event) for event in state.outbox)
    assert not any(old in f"{key}{cell}" for key, cell in face.cells().items())


def test_who_still_holds_an_old_name_is_understood() -> None:
    face = face_of(identified=False)
    face.queue.add("a", "b")
    entry = face.queue.items[0].id
    face._state.identify(login())
    assert face.queue.items[0].id != entry
    face.queue.remove(entry)
    assert face.queue.tracks == ["b"]


def test_another_writer_does_not_send_again_what_a_former_life_of_the_store_has_sent() -> None:
    """A store was restored from a backup that was made before its events were acknowledged."""
    state = identified()
    face = face_of(state, identified=False)
    sent = face.queue.add("a").events[0]
    new = face.queue.add("b").events[0]
    admitted = {key: Cell(cell.rank, cell.value) for key, cell in sent.cells.items()}
    state.replaced(Replaced("a:me", admitted, "c1"))
    state.identify(login("writer0002"))
    assert sent.outcome is Outcome.ADMITTED
    assert [event.id for event in state.outbox] == ["writer0002.1"] == [new.id]
    assert face.queue.tracks == ["a", "b"]


def test_the_device_learns_its_id_at_the_first_welcome_and_its_events_with_it() -> None:
    face = face_of(identified=False, connected=False)
    face.play("t1")
    face.settings.set(f"{face.device_id}/volume", 7)
    face._state.identify(login(device="d9"))
    assert face.playback is not None
    assert face.playback.device == "d9"
    assert face.settings.all == {"d9/volume": 7}


# --- another process on the same store ---


def test_events_of_another_process_are_adopted_in_their_order(tmp_path: Path) -> None:
    owner = identified(path=tmp_path / "s.db")
    other = state_of(tmp_path / "s.db")
    theirs = other.make(like("t1"))
    assert owner.changed_elsewhere()
    ours = owner.make(like("t2"))
    assert [event.id for event in owner.outbox] == [theirs.id, ours.id]
    assert set(owner.replicas.get("a:me").shown) == {"library/tracks/t1", "library/tracks/t2"}


def test_another_process_sees_what_the_owner_was_told(tmp_path: Path) -> None:
    owner = identified(path=tmp_path / "s.db")
    other = state_of(tmp_path / "s.db")
    theirs = other.make(like("t1"))
    owner.adopt_foreign()
    adopted = owner.outbox.find("a:me", 1)
    assert adopted is not None
    owner.acked(ack(adopted, cursor="c1"), assembling=False)
    owner.flush()
    changes: list[Change] = []
    other.replicas.watch(changes.append)
    assert other.changed_elsewhere()
    other.reload()
    assert theirs.outcome is Outcome.GONE
    assert len(other.outbox) == 0
    assert other.replicas.get("a:me").confirmed == owner.replicas.get("a:me").confirmed
    assert changes == []  # what shows is the same: it was pending before


def test_another_process_that_holds_old_names_builds_its_event_again(tmp_path: Path) -> None:
    owner = state_of(tmp_path / "s.db")
    face_of(owner, identified=False).queue.add("a")
    other = state_of(tmp_path / "s.db")
    theirs = face_of(other, identified=False)
    assert theirs.queue.tracks == ["a"]
    owner.identify(login())
    event = theirs.queue.add("b").events[0]
    assert event.event.data.parent == f"{WRITER}.1.0"
    owner.adopt_foreign()
    assert face_of(owner, identified=False).queue.tracks == ["a", "b"]

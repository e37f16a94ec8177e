"""Law 5: what a replica shows is the fold of confirmed and pending cells, whatever happened in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syncd.client.own_event import OwnEvent
from syncd.client.replica import Replica
from syncd.model.cells import Cell, Cells, fold
from syncd.model.events import Event
from syncd.model.restamp import Pending
from syncd.testing.histories import ACCOUNT, events

cells_of_events = events().map(lambda event: OwnEvent(0, pending_of(event), event.writer).cells)


def pending_of(event: Event) -> Pending:
    """An own event that looks like this one."""
    return Pending(stream=ACCOUNT, seq=event.seq, t=event.t, kind=event.kind, data=event.data, sent=False, seen_t=0,
                   wall_ms=0, monotonic_ms=0, boot="b")  # fmt: skip


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("confirm"), cells_of_events),
            st.tuples(st.just("replace"), cells_of_events),
            st.tuples(st.just("add"), events()),
            st.tuples(st.just("drop"), st.integers(0, 5)),
        ),
        max_size=20,
    )
)
def test_what_shows_is_confirmed_joined_with_pending(steps: list[tuple[str, object]]) -> None:
    replica = Replica("a:me")
    confirmed: Cells = {}
    pending: list[OwnEvent] = []
    shown: Cells = {}
    for n, (step, what) in enumerate(steps):
        if step == "confirm":
            assert isinstance(what, dict)
            changed = replica.confirm(what)
            fold(confirmed, what)
        elif step == "replace":
            assert isinstance(what, dict)
            changed = replica.replace(dict(what))
            confirmed = dict(what)
        elif step == "add":
            assert isinstance(what, Event)
            pending.append(OwnEvent(n, pending_of(what), what.writer))
            changed = replica.add(pending[-1])
        elif pending:
            assert isinstance(what, int)
            event = pending.pop(what % len(pending))
            changed = replica.drop(event.n, event.cells)
        else:
            continue
        expected = dict(confirmed)
        for event in pending:
            fold(expected, event.cells)
        assert dict(replica.shown) == expected
        assert len(replica.shown) == len(expected)
        # Applying what is said to have changed to what showed before gives what shows now: that is what lists live on.
        for key, cell in changed.items():
            if cell is None:
                del shown[key]
            else:
                shown[key] = cell
        assert shown == expected


def test_nothing_is_said_to_have_changed_when_an_event_is_confirmed_as_it_showed() -> None:
    replica = Replica("a:me")
    cell = Cell("r", 1)
    replica.confirm({"settings/a": cell})
    assert replica.confirm({"settings/a": cell}) == {}


def test_families_are_told_apart_by_the_first_word_of_their_keys() -> None:
    replica = Replica(
        "a:me", confirmed={"play/1": Cell("a", 1), "play_at/1": Cell("b", 2), "mode/repeat": Cell("c", 3)}
    )
    assert dict(replica.shown.of("play")) == {"play/1": Cell("a", 1)}
    assert set(replica.shown.of("play", "mode", "nothing")) == {"play/1", "mode/repeat"}
    assert "play_at/1" in replica.shown
    assert replica.shown.get("nothing/1") is None

"""The page's side of the protocol, spoken to in the server's own messages and heard with the server's own codec."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from page_modules import PageModules, page_modules

from syncd.model.cells import Cell
from syncd.model.stamp import pack, stamp
from syncd.protocol import close_codes
from syncd.protocol.codec import JSON
from syncd.protocol.messages import (
    Ack,
    AckItem,
    By,
    Delta,
    Drain,
    Emit,
    Error,
    Hello,
    Limits,
    Nack,
    Presence,
    Snapshot,
    StreamWelcome,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
)

NOW_MS = 1_763_870_000_000
OWN = "a:9f3c"
WRITER = "k3v9q2m4ta"
PLAYLIST = "p:summer-0123456789abcdef"


class Page:
    """A page's session, as the gateway sees it."""

    def __init__(self, modules: PageModules) -> None:
        self.modules = modules
        modules.ask("open")

    def hears(self, *messages: Any) -> list[dict[str, Any]]:
        """What it makes of messages that came."""
        wire = [json.loads(JSON.encode(message)) for message in messages]
        told: list[dict[str, Any]] = self.modules.ask("receive", messages=wire)
        return told

    def says(self, ask: str, **given: object) -> Any:
        """What it sends, as our gateway reads it."""
        said = self.modules.ask(ask, **given)
        return [heard(each) for each in said] if isinstance(said, list) else heard(said)

    def hello(self) -> Hello:
        hello = self.says("hello", nowMs=NOW_MS)
        assert isinstance(hello, Hello)
        return hello

    def emits(self, *tracks: str, parent: str | None = None) -> Emit:
        items = [{"track": track} for track in tracks]
        control = {"kind": "list.inserted", "data": {"list": "queue", "parent": parent, "side": "R", "items": items}}
        emit = self.says("emit", control=control, nowMs=NOW_MS)
        assert isinstance(emit, Emit)
        return emit

    def shows(self) -> dict[str, Cell]:
        return cells(self.modules.ask("shown"))

    def confirmed(self, stream: str = OWN) -> dict[str, Cell]:
        return cells(self.modules.ask("confirmed", stream=stream))

    def pending(self) -> list[int]:
        return [event["seq"] for event in self.modules.ask("save")["pending"]]


def heard(message: Any) -> Any:
    return JSON.decode_client(json.dumps(message).encode())


def cells(rows: Any) -> dict[str, Cell]:
    return {key: Cell(rank, value) for key, rank, value in rows}


def welcome(*streams: str, writer: str = WRITER) -> Welcome:
    welcomes = [StreamWelcome(stream, 1, "snapshot") for stream in (OWN, *streams)]
    return Welcome(writer, "9f3c", "d1", NOW_MS, welcomes, Limits(1, 1, 1, 1))


def empty(cursor: str = "c0") -> Snapshot:
    return Snapshot(OWN, [], 0, last=True, cursor=cursor)


def by(kind: str = "settings.changed", t: int = pack(NOW_MS)) -> By:
    return By("9f3c", "d2", kind, "zzzzzzzzzz.1", t)


def ack(emit: Emit, *, t: int | None = None, seen: bool = False, cursor: str | None = None) -> Ack:
    (event,) = emit.events
    return Ack(OWN, WRITER, event.seq, event.t if t is None else t, seen, cursor)


@pytest.fixture(scope="module")
def modules() -> Iterator[PageModules]:
    try:
        with page_modules() as running:
            yield running
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture
def page(modules: PageModules) -> Page:
    """A page that has not connected yet."""
    return Page(modules)


@pytest.fixture
def live(page: Page) -> Page:
    """A page that is in step."""
    page.hello()
    page.hears(welcome(), empty())
    return page


# --- hello and resume ---


def test_the_first_hello_claims_nothing_but_the_own_stream(page: Page) -> None:
    hello = page.hello()
    assert (hello.writer, hello.now_ms, len(hello.nonce)) == (None, NOW_MS, 16)
    assert [(claim.stream, claim.cursor, claim.last_seq) for claim in hello.streams] == [("a:me", None, 0)]


def test_two_pages_never_share_a_nonce(modules: PageModules) -> None:
    assert Page(modules).hello().nonce != Page(modules).hello().nonce


def test_a_later_hello_presents_cursor_writer_and_highest_seq(live: Page) -> None:
    nonce = live.hello().nonce
    live.emits("t1")
    live.modules.ask("disconnect")
    hello = live.hello()
    assert (hello.writer, hello.nonce) == (WRITER, nonce)
    assert [(claim.stream, claim.cursor, claim.last_seq) for claim in hello.streams] == [("a:me", "c0", 1)]


def test_a_page_that_is_reloaded_goes_on_as_the_same_store(live: Page) -> None:
    emit = live.emits("t1")
    saved = live.modules.ask("save")
    live.modules.ask("open", saved=saved)
    hello = live.hello()
    assert (hello.writer, hello.streams[0].last_seq, hello.streams[0].cursor) == (WRITER, 1, None)
    again = live.hears(welcome())[1]
    assert heard(again["message"]) == emit
    live.hears(empty())
    assert live.emits("t2").events[0].t > emit.events[0].t


def test_a_lost_position_is_not_presented_again(live: Page) -> None:
    live.modules.ask("dropCursors")
    hello = live.hello()
    assert (hello.writer, hello.streams[0].cursor) == (WRITER, None)


# --- snapshots and deltas ---


def test_a_snapshot_is_built_aside_and_replaces_everything_at_its_end(live: Page) -> None:
    live.hears(Delta(OWN, [("old", "1", 1)], "c1", by()))
    live.hears(Snapshot(OWN, [("a", "1", 1)], 0, last=False))
    assert set(live.confirmed()) == {"old"}
    (changed,) = live.hears(Snapshot(OWN, [("b", "1", 2)], 1, last=True, cursor="c9"))
    assert changed == {"what": "cells", "stream": OWN}
    assert set(live.confirmed()) == {"a", "b"}
    assert live.hello().streams[0].cursor == "c9"


def test_a_delta_that_comes_meanwhile_is_in_the_snapshot_and_moves_no_cursor(live: Page) -> None:
    live.hears(Snapshot(OWN, [("a", "1", 1)], 0, last=False))
    live.hears(Delta(OWN, [("a", "2", 2), ("new", "1", 3)], "c8", by()))
    assert live.hello().streams[0].cursor == "c0"
    live.hears(Snapshot(OWN, [("b", "1", 4)], 1, last=True, cursor="c7"))
    assert live.confirmed() == {"a": Cell("2", 2), "new": Cell("1", 3), "b": Cell("1", 4)}
    assert live.hello().streams[0].cursor == "c7"


def test_half_a_snapshot_is_worth_nothing(live: Page) -> None:
    live.hears(Snapshot(OWN, [("a", "1", 1)], 0, last=False))
    live.modules.ask("disconnect")
    assert live.hears(Snapshot(OWN, [("b", "1", 2)], 1, last=True, cursor="c9")) == []
    assert live.confirmed() == {}
    assert live.hello().streams[0].cursor == "c0"


def test_a_delta_is_joined_in_any_order_and_any_number_of_times(live: Page) -> None:
    newer = Delta(OWN, [("k", "2", "new")], "c2", by())
    older = Delta(OWN, [("k", "1", "old")], "c1", by())
    live.hears(newer, older, newer)
    assert live.confirmed() == {"k": Cell("2", "new")}


def test_who_did_it_is_passed_on(live: Page) -> None:
    (told,) = live.hears(Delta(OWN, [("k", "1", 1)], "c1", by("list.moved")))
    assert (told["by"]["kind"], told["by"]["device"], told["cells"]) == ("list.moved", "d2", [["k", "1", 1]])


def test_a_fresh_cursor_without_cells_is_kept_and_no_news(live: Page) -> None:
    assert live.hears(Delta(OWN, [], "c5")) == []
    assert live.hello().streams[0].cursor == "c5"


def test_own_times_come_after_every_time_that_was_seen(live: Page) -> None:
    ahead = pack(NOW_MS + 400)
    live.hears(Delta(OWN, [("k", "1", 1)], "c1", by(t=ahead)))
    assert live.emits("t1").events[0].t == ahead + 1
    live.hears(Snapshot(OWN, [("k", stamp(ahead + 500, "zzzzzzzzzz"), 1)], 0, last=True, cursor="c2"))
    assert live.emits("t2").events[0].t == ahead + 501


def test_messages_of_a_later_version_are_passed_over(live: Page) -> None:
    later = [{"type": "moon", "phase": 1}, {"type": "constructor"}, {"type": "__proto__"}]
    assert live.modules.ask("receive", messages=later) == []


# --- own events ---


def test_an_own_event_shows_at_once_and_is_confirmed_as_admitted(live: Page) -> None:
    emit = live.emits("t1")
    (event,) = emit.events
    assert (event.stream, event.seq, event.kind) == ("a:me", 1, "list.inserted")
    key = f"queue/run/{WRITER}.1"
    assert key in live.shows()
    assert live.confirmed() == {}
    (own,) = live.hears(ack(emit, t=event.t + 7, cursor="c1"))
    assert own["what"] == "own"
    assert live.confirmed()[key].rank == stamp(event.t + 7, WRITER)
    assert live.pending() == []
    assert live.hello().streams[0].cursor == "c1"


def test_several_acks_in_one_message_are_all_read(live: Page) -> None:
    first, second = live.emits("t1"), live.emits("t2")
    items = [AckItem(OWN, WRITER, emit.events[0].seq, emit.events[0].t) for emit in (first, second)]
    assert len(live.hears(Ack(acks=items))) == 2
    assert live.pending() == []
    assert len(live.confirmed()) == 2


def test_an_event_that_was_seen_before_is_dropped_without_folding_it(live: Page) -> None:
    live.hears(ack(live.emits("t1"), seen=True))
    assert live.pending() == []
    assert live.confirmed() == {}


def test_an_ack_during_a_snapshot_is_in_it(live: Page) -> None:
    emit = live.emits("t1")
    live.hears(Snapshot(OWN, [], 0, last=False), ack(emit), Snapshot(OWN, [], 1, last=True, cursor="c3"))
    assert f"queue/run/{WRITER}.1" in live.confirmed()


def test_unanswered_events_are_sent_again_as_they_were(live: Page) -> None:
    first, second = live.emits("t1"), live.emits("t2")
    live.modules.ask("disconnect")
    live.hello()
    _, again = live.hears(welcome())
    assert heard(again["message"]).events == [*first.events, *second.events]


def test_a_gap_is_filled_from_the_seq_that_is_expected(live: Page) -> None:
    _, second, third = live.emits("t1"), live.emits("t2"), live.emits("t3")
    (again,) = live.hears(Nack(OWN, 3, "gap", "a gap", 2))
    assert heard(again["message"]).events == [*second.events, *third.events]


def test_a_gap_that_cannot_be_filled_asks_for_a_fresh_writer(live: Page) -> None:
    live.hears(ack(live.emits("t1")))
    second = live.emits("t2", parent=f"{WRITER}.1.0")
    third = live.emits("t3", parent=f"{WRITER}.2.0")
    assert live.hears(Nack(OWN, 2, "gap", "a gap", 1)) == [{"what": "again", "withoutWriter": True}]
    live.modules.ask("dropWriter")
    hello = live.hello()
    assert (hello.writer, hello.streams[0].last_seq) == (None, 0)
    _, again = live.hears(welcome(writer="freshone00"))
    events = heard(again["message"]).events
    assert [(event.seq, event.t) for event in events] == [(1, second.events[0].t), (2, third.events[0].t)]
    parents = [msgspec.json.decode(event.data)["parent"] for event in events]
    assert parents == [f"{WRITER}.1.0", "freshone00.1.0"], "what is acked keeps its name, what is pending is renamed"
    assert live.emits("t4").events[0].seq == 3


def test_what_waits_for_a_fresh_writer_survives_a_reload(live: Page) -> None:
    live.emits("t1")
    second = live.emits("t2", parent=f"{WRITER}.1.0")
    live.modules.ask("dropWriter")
    assert f"queue/run/{WRITER}.2" in live.shows()
    live.modules.ask("open", saved=live.modules.ask("save"))
    assert live.hello().writer is None
    _, again = live.hears(welcome(writer="freshone00"))
    assert msgspec.json.decode(heard(again["message"]).events[1].data)["parent"] == "freshone00.1.0"
    assert heard(again["message"]).events[1].t == second.events[0].t


@pytest.mark.parametrize("reason", ["invalid", "limit", "expired", "orphan", "forbidden", "revoked"])
def test_a_refused_event_is_taken_back_and_told(live: Page, reason: Any) -> None:
    live.emits("t1")
    (refused,) = live.hears(Nack(OWN, 1, reason, "because"))
    assert (refused["what"], refused["reason"], refused["message"]) == ("refused", reason, "because")
    assert live.shows() == {}
    assert live.pending() == []


def test_an_event_that_cannot_be_taken_now_is_kept(live: Page) -> None:
    emit = live.emits("t1")
    assert live.hears(Nack(OWN, 1, "unavailable", "not now")) == [{"what": "later"}]
    assert live.says("resend") == emit


# --- playlists, presence, the rest ---


def test_playlists_are_followed_and_left(live: Page) -> None:
    assert live.says("follow", streams=[PLAYLIST]) == [Subscribe(PLAYLIST)]
    assert live.says("follow", streams=[PLAYLIST]) == []
    live.hears(Subscribed(PLAYLIST, 1, "snapshot"), Snapshot(PLAYLIST, [("playlist/name", "1", "x")], 0, True, "p1"))
    assert [(claim.stream, claim.cursor) for claim in live.hello().streams] == [("a:me", "c0"), (PLAYLIST, "p1")]
    assert live.says("follow", streams=[]) == [Unsubscribe(PLAYLIST)]
    assert live.hears(Unsubscribed(PLAYLIST)) == []


@pytest.mark.parametrize("told", [Error("forbidden", "not yours", PLAYLIST), Unsubscribed(PLAYLIST, "forbidden")])
def test_a_stream_that_is_refused_is_asked_for_once_per_connection(live: Page, told: Any) -> None:
    live.says("follow", streams=[PLAYLIST])
    live.hears(told)
    assert live.says("follow", streams=[PLAYLIST]) == []
    live.modules.ask("disconnect")
    live.hello()
    live.hears(welcome())
    assert live.says("follow", streams=[PLAYLIST]) == [Subscribe(PLAYLIST)]


def test_streams_that_the_welcome_leaves_out_are_forgotten(live: Page) -> None:
    live.says("follow", streams=[PLAYLIST])
    live.modules.ask("disconnect")
    live.hello()
    live.hears(welcome())
    assert [claim.stream for claim in live.hello().streams] == ["a:me"]


def test_presence_lasts_as_long_as_the_connection(live: Page) -> None:
    live.hears(Presence(OWN, "d2", True, NOW_MS), Presence(OWN, "d3", True, NOW_MS), Presence(OWN, "d2", False, NOW_MS))
    assert live.modules.ask("presence") == [["d3", NOW_MS]]
    live.modules.ask("disconnect")
    assert live.modules.ask("presence") == []


def test_a_drain_and_an_error_are_passed_on(live: Page) -> None:
    assert live.hears(Drain(1_500)) == [{"what": "drain", "afterMs": 1_500}]
    assert live.hears(Error("invalid", "no such thing")) == [{"what": "told", "message": "no such thing"}]


@pytest.mark.parametrize("row", close_codes.TABLE, ids=lambda row: row.name)
def test_after_a_close_it_does_what_the_table_says(modules: PageModules, row: close_codes.CloseCode) -> None:
    duty = {
        close_codes.Then.RESUME: "resume",
        close_codes.Then.SNAPSHOT: "drop cursor",
        close_codes.Then.RENEW_WRITER: "renew writer",
        close_codes.Then.RENEW_LOGIN: "sign in",
        close_codes.Then.STAY_AWAY: "stay away",
    }
    assert modules.ask("afterClose", code=row.code) == duty[row.then]


@pytest.mark.parametrize("code", [4042, 4142, 4242, 4542, 1005, 1013, 4999])
def test_codes_of_a_later_version_are_understood_by_their_family(modules: PageModules, code: int) -> None:
    assert modules.ask("afterClose", code=code) == {41: "drop cursor", 42: "sign in", 45: "stay away"}.get(
        code // 100, "resume"
    )

"""The client's side of a connection: what may come when, how snapshots come together, what is overdue."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from syncd.errors import UnexpectedMessage, Unreadable
from syncd.model.cells import Cell
from syncd.protocol.client_session import ANSWER_TIMEOUT_S, ClientSession, Heard, Replaced, SessionState, StreamState
from syncd.protocol.codec import JSON, MSGPACK, Codec
from syncd.protocol.messages import (
    Ack,
    AckItem,
    By,
    Delta,
    Digest,
    EmittedEvent,
    Error,
    Hello,
    Limits,
    Nack,
    Pong,
    Presence,
    ServerMessage,
    Snapshot,
    StreamClaim,
    StreamWelcome,
    Subscribe,
    Subscribed,
    Unsubscribed,
    Welcome,
)

PLAYLIST = "p:0123456789abcdef"
LIMITS = Limits(1, 1, 1, 1)


def hello(*streams: str) -> Hello:
    return Hello("token", "nonce", "test/1", 0, [StreamClaim(stream) for stream in streams or ("a:me",)])


def welcome(*streams: tuple[str, Any]) -> Welcome:
    return Welcome("w", "9f3c", "d1", 0, [StreamWelcome(stream, 1, resume) for stream, resume in streams], LIMITS)


def event(seq: int, stream: str = "a:me") -> EmittedEvent:
    return EmittedEvent(stream, seq, 1, "settings.changed", Raw(b"{}"))


def greeted(codec: Codec = JSON) -> ClientSession:
    """A session that has said hello for the account and one playlist."""
    session = ClientSession(codec)
    session.hello(hello("a:me", PLAYLIST), now_s=0)
    return session


def live(resume: Any = "tail") -> ClientSession:
    """A session that was welcomed."""
    session = greeted()
    hear(session, welcome(("a:9f3c", resume), (PLAYLIST, resume)))
    return session


def hear(session: ClientSession, message: ServerMessage) -> Heard | None:
    return session.receive(session.codec.encode(message))


@pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=lambda codec: codec.name)
def test_the_own_stream_is_called_a_me_in_all_that_is_heard(codec: Codec) -> None:
    session = greeted(codec)
    heard = hear(session, welcome(("a:9f3c", "tail"), (PLAYLIST, "tail")))
    assert isinstance(heard, Welcome)
    assert [stream.stream for stream in heard.streams] == ["a:me", PLAYLIST]
    own = "a:9f3c"
    assert hear(session, Delta(own, [], "c")) == Delta("a:me", [], "c")
    assert hear(session, Nack(own, 1, "invalid", "m")) == Nack("a:me", 1, "invalid", "m")
    assert hear(session, Presence(own, "d2", True, 5)) == Presence("a:me", "d2", True, 5)
    assert hear(session, Digest(own, "c", "d", 1)) == Digest("a:me", "c", "d", 1)
    assert hear(session, Ack(own, "w", 1, 2)) == Ack(acks=[AckItem("a:me", "w", 1, 2)])
    assert hear(session, Delta("a:other", [], "c")) == Delta("a:other", [], "c")


def test_before_the_welcome_only_errors_may_come() -> None:
    session = greeted()
    assert hear(session, Error("forbidden", "no", PLAYLIST)) == Error("forbidden", "no", PLAYLIST)
    with pytest.raises(UnexpectedMessage, match="delta before the welcome"):
        hear(session, Delta("a:9f3c", []))


def test_a_second_welcome_is_refused() -> None:
    with pytest.raises(UnexpectedMessage, match="a second welcome"):
        hear(live(), welcome())


def test_what_is_no_message_is_refused() -> None:
    for payload in (b'{"type":"delta"}', b'{"type":7}', b"[]", b"no json"):
        with pytest.raises(Unreadable):
            live().receive(payload)


def test_what_a_later_server_says_is_passed_over_and_counted() -> None:
    """A gateway is upgraded before its devices: raising here made them come back for ever."""
    session = live()
    assert session.receive(b'{"type":"no such","stream":7}') is None
    assert session.passed_over == 1
    assert hear(session, Pong(1, 2)) == Pong(1, 2)
    early = greeted()
    assert early.receive(b'{"type":"no such"}') is None
    assert early.state is SessionState.GREETING


def test_a_stream_in_tail_is_live_at_once() -> None:
    assert live("tail").streams == {"a:me": StreamState.LIVE, PLAYLIST: StreamState.LIVE}


def test_a_stream_in_cells_is_live_when_a_cursor_comes() -> None:
    session = live("cells")
    hear(session, Delta("a:9f3c", [("k", "r", 1)]))
    assert session.streams == {"a:me": StreamState.CATCHING_UP, PLAYLIST: StreamState.CATCHING_UP}
    hear(session, Delta("a:9f3c", [], "c"))
    assert session.streams == {"a:me": StreamState.LIVE, PLAYLIST: StreamState.CATCHING_UP}


def test_a_stream_that_the_welcome_passes_over_is_refused() -> None:
    session = greeted()
    hear(session, Error("forbidden", "no", PLAYLIST))
    hear(session, welcome(("a:9f3c", "tail")))
    assert session.streams == {"a:me": StreamState.LIVE, PLAYLIST: StreamState.REFUSED}


def test_a_snapshot_comes_out_whole() -> None:
    session = live("snapshot")
    assert hear(session, Snapshot("a:9f3c", [("a", "r", 1), ("b", "r", 1)], 0, False)) is None
    assert (session.assembling("a:me"), session.streams["a:me"]) == (True, StreamState.CATCHING_UP)
    whole = hear(session, Snapshot("a:9f3c", [("c", "r", 1)], 1, True, "c9"))
    assert whole == Replaced("a:me", {key: Cell("r", 1) for key in "abc"}, "c9")
    assert (session.assembling("a:me"), session.streams["a:me"]) == (False, StreamState.LIVE)


def test_deltas_and_own_events_that_come_meanwhile_are_joined_into_it() -> None:
    session = live("snapshot")
    hear(session, Snapshot("a:9f3c", [("a", "r2", 1), ("b", "r2", 1)], 0, False))
    by = By("9f3c", "d2", "settings.changed", "w2.1", 7)
    assert hear(session, Delta("a:9f3c", [("a", "r1", 0), ("b", "r3", 2)], "c1", by)) is None
    session.confirm("a:me", {"d": Cell("r", 4)})
    whole = hear(session, Snapshot("a:9f3c", [], 1, True, "c9"))
    assert whole == Replaced("a:me", {"a": Cell("r2", 1), "b": Cell("r3", 2), "d": Cell("r", 4)}, "c9")


def test_an_own_event_without_a_snapshot_under_way_is_nobodys_business() -> None:
    session = live()
    session.confirm("a:me", {"d": Cell("r", 4)})
    assert hear(session, Snapshot("a:9f3c", [], 0, True, "c")) == Replaced("a:me", {}, "c")


def test_part_0_begins_a_snapshot_anew() -> None:
    session = live("snapshot")
    hear(session, Snapshot("a:9f3c", [("old", "r", 1)], 0, False))
    hear(session, Snapshot("a:9f3c", [("new", "r", 1)], 0, False))
    assert hear(session, Snapshot("a:9f3c", [], 1, True, "c")) == Replaced("a:me", {"new": Cell("r", 1)}, "c")


@pytest.mark.parametrize("parts", [[1], [0, 2], [0, 1, 1]])
def test_a_part_out_of_turn_is_refused(parts: list[int]) -> None:
    session = live("snapshot")
    for part in parts[:-1]:
        hear(session, Snapshot("a:9f3c", [], part, False))
    with pytest.raises(UnexpectedMessage, match="part"):
        hear(session, Snapshot("a:9f3c", [], parts[-1], False))


def test_two_streams_are_assembled_side_by_side() -> None:
    session = live("snapshot")
    hear(session, Snapshot("a:9f3c", [("a", "r", 1)], 0, False))
    hear(session, Snapshot(PLAYLIST, [("p", "r", 1)], 0, False))
    assert hear(session, Snapshot(PLAYLIST, [], 1, True, "c")) == Replaced(PLAYLIST, {"p": Cell("r", 1)}, "c")
    assert hear(session, Snapshot("a:9f3c", [], 1, True, "c")) == Replaced("a:me", {"a": Cell("r", 1)}, "c")


# --- questions ---


def test_what_is_not_answered_in_time_is_overdue() -> None:
    session = ClientSession(JSON)
    session.hello(hello(), now_s=100)
    assert session.overdue(now_s=100 + ANSWER_TIMEOUT_S) is None
    assert session.overdue(now_s=100.1 + ANSWER_TIMEOUT_S) == ("hello", "", 0)


def test_the_one_that_waits_longest_is_named() -> None:
    session = live()
    session.emit([event(1)], now_s=5)
    session.ping(77, now_s=4)
    session.digest("a:me", now_s=6)
    assert session.overdue(now_s=100) == ("ping", "", 77)
    hear(session, Pong(77, 0))
    assert session.overdue(now_s=100) == ("event", "a:me", 1)
    hear(session, Ack("a:9f3c", "w", 1, 2))
    assert session.overdue(now_s=100) == ("digest", "a:me", 0)
    hear(session, Digest("a:9f3c", "c", "d", 1))
    assert session.overdue(now_s=100) is None


@pytest.mark.parametrize(
    "answer",
    [
        Subscribed(PLAYLIST, 1, "tail"),
        Error("forbidden", "no", PLAYLIST),
        Unsubscribed(PLAYLIST, "forbidden"),
    ],
)
def test_a_subscribe_is_answered_by_any_of_three(answer: ServerMessage) -> None:
    session = live()
    session.unsubscribe(PLAYLIST)
    session.subscribe(Subscribe(PLAYLIST), now_s=1)
    assert session.streams[PLAYLIST] is StreamState.ASKED
    hear(session, answer)
    assert session.overdue(now_s=100) is None
    expected = StreamState.LIVE if isinstance(answer, Subscribed) else StreamState.REFUSED
    assert session.streams[PLAYLIST] is expected


def test_a_subscription_that_the_server_ends_is_refused() -> None:
    session = live()
    hear(session, Unsubscribed(PLAYLIST, "forbidden"))
    assert session.streams[PLAYLIST] is StreamState.REFUSED


def test_the_answer_to_an_unsubscribe_says_nothing_about_the_subscribe_that_followed_it() -> None:
    session = live()
    session.unsubscribe(PLAYLIST)
    session.subscribe(Subscribe(PLAYLIST), now_s=1)
    hear(session, Unsubscribed(PLAYLIST))
    assert session.streams[PLAYLIST] is StreamState.ASKED
    assert session.overdue(now_s=100) == ("subscribe", PLAYLIST, 0)


def test_an_error_about_a_live_stream_leaves_it_live() -> None:
    session = live()
    hear(session, Error("invalid", "a digest is answered for subscribed streams only", PLAYLIST))
    assert session.streams[PLAYLIST] is StreamState.LIVE


def test_events_are_in_flight_until_they_are_answered() -> None:
    session = live()
    session.emit([event(1), event(2), event(1, PLAYLIST)], now_s=0)
    assert session.events_in_flight == 3
    hear(session, Ack(acks=[AckItem("a:9f3c", "w", 1, 5), AckItem(PLAYLIST, "w", 1, 6)]))
    assert [session.in_flight("a:me", 1), session.in_flight("a:me", 2), session.in_flight(PLAYLIST, 1)] == [
        False, True, False,
    ]  # fmt: skip
    hear(session, Nack("a:9f3c", 2, "expired", "too late"))
    assert session.events_in_flight == 0


def test_a_gap_takes_back_all_from_the_expected_one_on_its_stream() -> None:
    session = live()
    session.emit([event(seq) for seq in (3, 4, 5, 6)] + [event(9, PLAYLIST)], now_s=0)
    hear(session, Nack("a:9f3c", 5, "gap", "5 came, 4 was expected", 4))
    assert [session.in_flight("a:me", seq) for seq in (3, 4, 5, 6)] == [True, False, False, False]
    assert session.in_flight(PLAYLIST, 9)


def test_unavailable_takes_back_the_event_and_those_behind_it() -> None:
    session = live()
    session.emit([event(seq) for seq in (3, 4, 5)], now_s=0)
    hear(session, Nack("a:9f3c", 4, "unavailable", "later"))
    assert [session.in_flight("a:me", seq) for seq in (3, 4, 5)] == [True, False, False]


def test_a_closed_session_expects_nothing() -> None:
    session = live()
    session.emit([event(1)], now_s=0)
    session.close()
    assert session.state is SessionState.CLOSED
    assert session.overdue(now_s=1_000) is None
    assert session.events_in_flight == 0

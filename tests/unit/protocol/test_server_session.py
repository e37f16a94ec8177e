"""What may be said when, told in the words that the client hears."""

from __future__ import annotations

import pytest

from syncd.limits import EMIT_EVENTS_MAX
from syncd.protocol import close_codes
from syncd.protocol.close_codes import CloseCode
from syncd.protocol.codec import JSON, MSGPACK, Codec
from syncd.protocol.messages import DigestRequest, Emit, Error, Hello, Ping, Subscribe, Unsubscribe
from syncd.protocol.partly_read import BrokenEmit
from syncd.protocol.server_session import Broken, ServerSession, SessionState

both = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=lambda codec: codec.name)
HELLO = Hello("token", "5c1f0a9be2d7443a", "test/1", 0, [])
EVENT = {"stream": "a:me", "seq": 1, "t": 1, "kind": "x", "data": {}}


def receive(session: ServerSession, message: object) -> object:
    return session.receive(session.codec.encode(message), text=session.codec.text)


def live(codec: Codec) -> ServerSession:
    session = ServerSession(codec)
    receive(session, HELLO)
    session.welcomed()
    return session


def broken(session: ServerSession, message: object, close: CloseCode) -> str:
    with pytest.raises(Broken) as caught:
        receive(session, message)
    assert caught.value.close is close
    assert caught.value.error.code == close.name
    assert session.state is SessionState.CLOSED
    return caught.value.error.message


@both
def test_hello_then_everything_else(codec: Codec) -> None:
    session = ServerSession(codec)
    assert receive(session, HELLO) == HELLO
    for message in (Ping(1), Subscribe("a:me"), Unsubscribe("a:me"), DigestRequest("a:me"), Emit([])):
        assert receive(session, message) == message
    session.welcomed()
    assert session.state is SessionState.LIVE
    assert receive(session, Ping(2)) == Ping(2)


@both
def test_the_first_message_must_be_hello(codec: Codec) -> None:
    said = broken(ServerSession(codec), Ping(1), close_codes.UNEXPECTED_HELLO)
    assert said == "the first message must be a hello"


@both
@pytest.mark.parametrize("welcomed", [False, True])
def test_hello_comes_once(codec: Codec, welcomed: bool) -> None:
    session = ServerSession(codec)
    receive(session, HELLO)
    if welcomed:
        session.welcomed()
    assert broken(session, HELLO, close_codes.UNEXPECTED_HELLO) == "a second hello; a connection has one"


def test_text_on_msgpack_and_binary_on_json() -> None:
    for codec, says in (
        (MSGPACK, "a text frame; syncd.v1.msgpack uses binary frames"),
        (JSON, "a binary frame; syncd.v1.json uses text frames"),
    ):
        session = live(codec)
        with pytest.raises(Broken, match=says) as caught:
            session.receive(codec.encode(Ping(1)), text=not codec.text)
        assert caught.value.close is close_codes.WRONG_FORMAT


@both
def test_what_cannot_be_read_ends_the_connection(codec: Codec) -> None:
    assert "`$.sent_ms`" in broken(live(codec), {"type": "ping", "sent_ms": "now"}, close_codes.UNREADABLE)
    assert "dance" in broken(live(codec), {"type": "dance"}, close_codes.UNREADABLE)


@both
def test_the_largest_emit_is_taken_and_one_more_is_answered(codec: Codec) -> None:
    session = live(codec)
    taken = receive(session, {"type": "emit", "events": [EVENT] * EMIT_EVENTS_MAX})
    assert isinstance(taken, Emit)
    refused = receive(session, {"type": "emit", "events": [EVENT] * (EMIT_EVENTS_MAX + 1)})
    assert refused == Error("limit", "257 events in an emit; at most 256, none was taken")
    assert session.state is SessionState.LIVE


@both
def test_a_broken_emit_counts_its_events_as_well(codec: Codec) -> None:
    session = live(codec)
    bad = {**EVENT, "t": -1}
    assert isinstance(receive(session, {"type": "emit", "events": [bad] * EMIT_EVENTS_MAX}), BrokenEmit)
    assert isinstance(receive(session, {"type": "emit", "events": [bad] * (EMIT_EVENTS_MAX + 1)}), Error)


@both
def test_a_broken_emit_before_hello_is_not_looked_into(codec: Codec) -> None:
    said = broken(ServerSession(codec), {"type": "emit", "events": [{**EVENT, "t": -1}]}, close_codes.UNEXPECTED_HELLO)
    assert said == "the first message must be a hello"

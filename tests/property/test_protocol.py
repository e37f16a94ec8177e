"""Laws of the wire: what is said is understood, and no bytes whatever do more than be refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from syncd.errors import Unreadable
from syncd.limits import EMIT_EVENTS_MAX, NESTING_MAX
from syncd.model.events import EVENTS
from syncd.protocol.close_codes import TABLE, UNEXPECTED_HELLO, UNREADABLE, WRONG_FORMAT
from syncd.protocol.codec import JSON, MSGPACK, Codec
from syncd.protocol.messages import ClientMessage, Emit, Error, Hello, Nack, Ping, ServerMessage
from syncd.protocol.partly_read import BrokenEmit
from syncd.protocol.public_text import CLOSE_REASON_BYTES_MAX, PUBLIC_TEXT_CHARS_MAX, close_reason, public_text
from syncd.protocol.server_session import Broken, ServerSession, SessionState
from syncd.testing.strategies import free_json, instances

CODECS = st.sampled_from([JSON, MSGPACK])
HELLO = Hello("token", "5c1f0a9be2d7443a", "test/1", 0, [])


def client_messages(codec: Codec) -> st.SearchStrategy[ClientMessage]:
    return st.one_of([instances(message, encode=codec.encode) for message in get_args(ClientMessage)])


server_messages: st.SearchStrategy[ServerMessage] = st.one_of(
    [instances(message) for message in get_args(ServerMessage)]
)
spoken_frames = CODECS.flatmap(lambda codec: st.tuples(st.just(codec), client_messages(codec).map(codec.encode)))


# --- what is said is understood ---


@given(CODECS.flatmap(lambda codec: st.tuples(st.just(codec), client_messages(codec))))
def test_every_client_message_comes_back_as_it_was(said: tuple[Codec, ClientMessage]) -> None:
    codec, message = said
    read = codec.decode_client(codec.encode(message))
    # Raw parts know no equality, so the bytes are compared.
    assert type(read) is type(message)
    assert codec.encode(read) == codec.encode(message)


@given(CODECS, server_messages)
def test_every_server_message_comes_back_as_it_was(codec: Codec, message: ServerMessage) -> None:
    assert codec.decode_server(codec.encode(message)) == message


@given(server_messages)
def test_both_formats_hold_the_same_structures(message: ServerMessage) -> None:
    assert JSON.decode_value(JSON.encode(message)) == MSGPACK.decode_value(MSGPACK.encode(message))


@given(CODECS, server_messages, st.dictionaries(st.text(max_size=8).map("x_".__add__), free_json, max_size=3))
def test_unknown_fields_are_ignored(codec: Codec, message: ServerMessage, unknown: dict[str, Any]) -> None:
    fields = codec.decode_value(codec.encode(message))
    assert isinstance(fields, dict)
    assert codec.decode_server(codec.encode({**fields, **unknown})) == message


@given(st.data())
def test_every_event_data_is_what_its_schema_allows_on_both_formats(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(EVENTS)))
    drawn = data.draw(instances(EVENTS[kind]))
    assert msgspec.json.decode(msgspec.json.encode(drawn), type=EVENTS[kind]) == drawn
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(drawn), type=EVENTS[kind]) == drawn


# --- no bytes do more than be refused ---


def refused_or_read(session: ServerSession, payload: bytes) -> None:
    """Whatever the bytes: a message, or an answer that is fit to be sent."""
    answers: list[Error | Nack] = []
    try:
        read: object = session.receive(payload, text=session.codec.text)
    except Broken as broken:
        read = broken
    if isinstance(read, Broken):
        assert read.close in TABLE
        assert read.error.code == read.close.name
        answers.append(read.error)
    elif isinstance(read, BrokenEmit):
        answers += [each for each in read.events if isinstance(each, Nack)]
        assert answers, "an emit is broken by an event"
    elif isinstance(read, Error):
        answers.append(read)
    for answer in answers:
        assert answer.message
        assert len(answer.message) <= PUBLIC_TEXT_CHARS_MAX
        assert answer.message.isprintable()
        assert session.codec.decode_server(session.codec.encode(answer)) == answer


def live_session(codec: Codec) -> ServerSession:
    session = ServerSession(codec)
    session.receive(codec.encode(HELLO), text=codec.text)
    session.welcomed()
    return session


@given(CODECS, st.booleans(), st.binary(max_size=200))
@example(JSON, True, b'{"type":"emit","events":[{"stream":"a:me","seq":1}]}')
@example(JSON, True, b'{"events":[]}')
@example(MSGPACK, True, b"\xdf\xff\xff\xff\xff")
@example(MSGPACK, True, b"\xc1")
@example(JSON, True, b'{"type":"\\ud800"}')
@example(JSON, True, b'{"type":"ping","sent_ms":' + b"9" * 5_000 + b"}")
def test_random_bytes_are_refused_or_read(codec: Codec, live: bool, payload: bytes) -> None:
    refused_or_read(live_session(codec) if live else ServerSession(codec), payload)


@given(spoken_frames, st.data())
def test_damaged_frames_are_refused_or_read(said: tuple[Codec, bytes], data: st.DataObject) -> None:
    codec, payload = said
    damaged = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(0, len(damaged) - 1)))
        match data.draw(st.sampled_from(["cut", "set", "insert", "delete", "repeat"])):
            case "cut":
                del damaged[at:]
            case "set" if damaged:
                damaged[at] = data.draw(st.integers(0, 255))
            case "insert":
                damaged[at:at] = data.draw(st.binary(min_size=1, max_size=3))
            case "delete":
                del damaged[at : at + 1]
            case "repeat":
                damaged += damaged[at:]
    refused_or_read(live_session(codec), bytes(damaged))


@given(CODECS, free_json)
def test_any_structure_is_refused_or_read(codec: Codec, value: object) -> None:
    refused_or_read(live_session(codec), codec.encode(value))
    refused_or_read(live_session(codec), codec.encode({"type": "emit", "events": value}))
    refused_or_read(live_session(codec), codec.encode({"type": "emit", "events": [value]}))


@given(st.sampled_from([b"[", b'{"a":', b'{"type":"emit","events":[']), st.integers(NESTING_MAX, 100_000))
@example(b"[", 5_000_000)
def test_deep_json_is_refused_without_recursion(opening: bytes, depth: int) -> None:
    with pytest.raises(Unreadable, match=f"nest deeper than {NESTING_MAX}"):
        JSON.decode_client(opening * (depth + 1))


@given(
    st.sampled_from([b"\x91", b"\x81\xa1a", b"\xdc\x00\x01", b"\xdf\x00\x00\x00\x01\xa1a"]),
    st.integers(NESTING_MAX, 50_000),
)
def test_deep_msgpack_is_refused_without_recursion(opening: bytes, depth: int) -> None:
    with pytest.raises(Unreadable, match=f"nest deeper than {NESTING_MAX}"):
        MSGPACK.decode_client(opening * (depth + 1) + b"\xc0")


@given(CODECS, st.binary(max_size=200))
@example(JSON, b"[" * 100_000)
@example(JSON, b'{"type":"delta","stream":"a:x","cells":[["k","r",' + b"[" * 100_000)
@example(MSGPACK, b"\x91" * 100_000)
def test_a_client_meets_no_other_error_than_unreadable(codec: Codec, payload: bytes) -> None:
    with suppress(Unreadable):
        codec.decode_server(payload)


@given(st.text(st.characters(), max_size=500))
def test_public_text_is_short_and_prints_and_stays_as_it_is(text: str) -> None:
    shown = public_text(text)
    assert len(shown) <= PUBLIC_TEXT_CHARS_MAX
    assert shown.isprintable()
    assert public_text(shown) == shown
    if len(text) <= PUBLIC_TEXT_CHARS_MAX and text.isprintable():
        assert shown == text
    assert len(close_reason(text).encode()) <= CLOSE_REASON_BYTES_MAX
    assert shown.startswith(close_reason(text))
    # Our own classes let no other text through.
    assert Error("x", text).message == shown
    assert Nack("a:me", 1, "invalid", text).message == shown


# --- the session against its picture ---


class SessionMachine(RuleBasedStateMachine):
    """The picture of server_session.py, walked at random, with a model of four lines beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.codec = JSON
        self.session = ServerSession(self.codec)
        self.expected = SessionState.OPENING

    @invariant()
    def state_is_as_the_picture_says(self) -> None:
        assert self.session.state is self.expected

    def receive(self, message: object) -> object:
        return self.session.receive(self.codec.encode(message), text=self.codec.text)

    def open(self) -> bool:
        return self.expected is not SessionState.CLOSED

    @precondition(open)
    @rule()
    def hello(self) -> None:
        if self.expected is SessionState.OPENING:
            assert self.receive(HELLO) == HELLO
            self.expected = SessionState.GREETING
        else:
            self.breaks(lambda: self.receive(HELLO), UNEXPECTED_HELLO.code)

    @precondition(open)
    @rule(data=st.data())
    def says_something_else(self, data: st.DataObject) -> None:
        message = data.draw(client_messages(self.codec).filter(lambda message: not isinstance(message, Hello)))
        if self.expected is SessionState.OPENING:
            self.breaks(lambda: self.receive(message), UNEXPECTED_HELLO.code)
        else:
            assert type(self.receive(message)) is type(message)

    @precondition(open)
    @rule(over=st.integers(1, 3))
    def says_too_much(self, over: int) -> None:
        event = {"stream": "a:me", "seq": 1, "t": 1, "kind": "x", "data": None}
        emit = {"type": "emit", "events": [event] * (EMIT_EVENTS_MAX + over)}
        if self.expected is SessionState.OPENING:
            self.breaks(lambda: self.receive(emit), UNEXPECTED_HELLO.code)
        else:
            answer = self.receive(emit)
            assert isinstance(answer, Error)
            assert answer.code == "limit"
            assert str(EMIT_EVENTS_MAX) in answer.message
            assert str(EMIT_EVENTS_MAX + over) in answer.message

    @precondition(open)
    @rule(payload=st.binary(max_size=20).filter(lambda payload: not payload.startswith(b"{")))
    def says_nonsense(self, payload: bytes) -> None:
        self.breaks(lambda: self.session.receive(payload, text=True), UNREADABLE.code)

    @precondition(open)
    @rule()
    def says_it_in_the_other_format(self) -> None:
        self.breaks(lambda: self.session.receive(MSGPACK.encode(Ping(1)), text=False), WRONG_FORMAT.code)

    @precondition(lambda self: self.expected is SessionState.GREETING)
    @rule()
    def welcomed(self) -> None:
        self.session.welcomed()
        self.expected = SessionState.LIVE

    @precondition(lambda self: self.expected is not SessionState.GREETING)
    @rule()
    def is_welcomed_only_after_hello(self) -> None:
        with pytest.raises(AssertionError):
            self.session.welcomed()

    @rule()
    def close(self) -> None:
        self.session.close()
        self.expected = SessionState.CLOSED

    @precondition(lambda self: self.expected is SessionState.CLOSED)
    @rule()
    def is_not_read_after_the_close(self) -> None:
        with pytest.raises(AssertionError):
            self.receive(Ping(1))

    def breaks(self, act: Any, code: int) -> None:
        with pytest.raises(Broken) as caught:
            act()
        assert caught.value.close.code == code
        self.expected = SessionState.CLOSED


TestSession = SessionMachine.TestCase


def test_json_numbers_that_are_whole_but_written_as_fractions_are_refused() -> None:
    for text in ("1.0", "1e3", "-0.0"):
        with pytest.raises(Unreadable, match="sent_ms"):
            JSON.decode_client(json.dumps({"type": "ping", "sent_ms": 0}).replace(": 0", f": {text}").encode())


@given(CODECS, st.lists(st.booleans(), min_size=1, max_size=8))
def test_of_a_broken_emit_each_event_is_answered_in_its_place(codec: Codec, good: list[bool]) -> None:
    events: list[dict[str, Any]] = [
        {"stream": "a:me", "seq": seq, "t": 1 if fine else -1, "kind": "x", "data": {}}
        for seq, fine in enumerate(good, 1)
    ]
    read = codec.decode_client(codec.encode({"type": "emit", "events": events}))
    assert isinstance(read, Emit if all(good) else BrokenEmit)
    assert [event.seq for event in read.events] == list(range(1, len(good) + 1))
    assert [not isinstance(event, Nack) for event in read.events] == good

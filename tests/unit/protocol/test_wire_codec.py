"""Bytes from strangers: what the answer says, in both formats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from syncd.errors import Unreadable
from syncd.limits import NESTING_MAX, SAFE_INTEGER_MAX
from syncd.protocol.codec import CODECS, JSON, MSGPACK, Codec, codec_for
from syncd.protocol.messages import Ack, AckItem, Emit, EmittedEvent, Hello, Nack, Ping
from syncd.protocol.partly_read import BrokenEmit
from syncd.protocol.public_text import PUBLIC_TEXT_CHARS_MAX
from syncd.protocol.version import SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK

both = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=lambda codec: codec.name)
HELLO = {"type": "hello", "token": "t", "nonce": "n", "client": "c", "now_ms": 0, "streams": []}
EVENT = {"stream": "a:me", "seq": 1, "t": 1, "kind": "x", "data": {"a": 1}}


def complaint(decode: Callable[[bytes], object], data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        decode(data)
    return str(caught.value)


def test_the_subprotocol_names_the_codec_and_none_means_json() -> None:
    assert codec_for(None) is JSON
    assert codec_for(SUBPROTOCOL_JSON) is JSON
    assert codec_for(SUBPROTOCOL_MSGPACK) is MSGPACK
    assert set(CODECS) == {SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK}


# --- what is no message ---


@both
@pytest.mark.parametrize(
    "type_", ["", "welcome", "Hello", "hello ", 1, None, ["hello"], "a\nb\x00c\x1b[31m", "x" * 5_000]
)
def test_unknown_type_is_answered_with_the_types_there_are(codec: Codec, type_: object) -> None:
    said = complaint(codec.decode_client, codec.encode({**HELLO, "type": type_}))
    assert said.startswith("a client says digest, emit, hello, ping, subscribe, unsubscribe: ")


@both
def test_missing_type_is_answered_with_the_types_there_are(codec: Codec) -> None:
    said = complaint(codec.decode_client, codec.encode({"sent_ms": 1}))
    assert said == (
        "a client says digest, emit, hello, ping, subscribe, unsubscribe: Object missing required field `type`"
    )


@both
def test_what_only_a_later_server_says_is_passed_over_and_nonsense_is_not(codec: Codec) -> None:
    assert codec.decode_server(codec.encode({"type": "weather", "stream": 7, "more": {"deep": [1]}})) is None
    no_messages: list[object] = [{"type": 7}, {"type": None}, {}, [], "weather"]
    for nonsense in no_messages:
        with pytest.raises(Unreadable):
            codec.decode_server(codec.encode(nonsense))
    said = complaint(codec.decode_server, codec.encode({"stream": "a:x"}))
    assert said.startswith("a server says ack, delta, ")
    assert "$.stream" in complaint(codec.decode_server, codec.encode({"type": "delta", "stream": 7, "cells": []}))


@both
@pytest.mark.parametrize("value", [None, True, 0, "hello", [], [HELLO]])
def test_anything_but_an_object_is_no_message(codec: Codec, value: object) -> None:
    assert complaint(codec.decode_client, codec.encode(value)).startswith("Expected `object`, got ")


@both
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"token": 7}, "`str`, got `int` - at `$.token`"),
        ({"token": ""}, "length >= 1 - at `$.token`"),
        ({"token": "x" * 513}, "length <= 512 - at `$.token`"),
        ({"nonce": "a\x00b"}, "`$.nonce`"),
        ({"nonce": "a\n"}, "`$.nonce`"),
        ({"client": "a\x1b[2J"}, "`$.client`"),
        ({"now_ms": -1}, "`int` >= 0 - at `$.now_ms`"),
        ({"now_ms": 2**53}, f"`int` <= {SAFE_INTEGER_MAX} - at `$.now_ms`"),
        ({"now_ms": 2**63}, f"`int` <= {SAFE_INTEGER_MAX} - at `$.now_ms`"),
        ({"now_ms": 1.5}, "`int`, got `float` - at `$.now_ms`"),
        ({"now_ms": True}, "`int`, got `bool` - at `$.now_ms`"),
        ({"writer": "K3V9Q2M4TA"}, "`$.writer`"),
        ({"writer": "k3v9q2m4ta\n"}, "`$.writer`"),
        ({"view": "all"}, "'all' - at `$.view`"),
        ({"streams": [{"stream": "a:"}]}, "length >= 3 - at `$.streams[0].stream`"),
        ({"streams": [{"stream": "a:me"}, {"stream": "a:me", "last_seq": -1}]}, "`$.streams[1].last_seq`"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_allowed(codec: Codec, change: dict[str, object], says: str) -> None:
    assert says in complaint(codec.decode_client, codec.encode({**HELLO, **change}))


@both
@pytest.mark.parametrize("field", ["token", "nonce", "client", "now_ms", "streams"])
def test_a_missing_field_is_named(codec: Codec, field: str) -> None:
    hello = {name: value for name, value in HELLO.items() if name != field}
    assert complaint(codec.decode_client, codec.encode(hello)) == f"Object missing required field `{field}`"


@both
def test_every_truncation_of_a_frame_is_refused(codec: Codec) -> None:
    frame = codec.encode(HELLO)
    for length in range(len(frame)):
        assert complaint(codec.decode_client, frame[:length])


@both
def test_bytes_after_the_message_are_refused(codec: Codec) -> None:
    assert "trailing characters" in complaint(codec.decode_client, codec.encode(HELLO) + codec.encode(HELLO))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not json: Input data was truncated"),
        (b'\xef\xbb\xbf{"type":"ping","sent_ms":1}', "not json: JSON is malformed: invalid character (byte 0)"),
        (b'{"type":"unsubscribe","stream":"a:\xff"}', "not json: text that is not UTF-8, invalid start byte"),
        (b'{"type":"unsubscribe","stream":"a:\x00x"}', "not json: JSON is malformed: invalid character (byte 34)"),
        (b'{"type":"unsubscribe","stream":"a:\\ud800"}', "not json: a string holds half of a surrogate pair"),
        (b'{"type":"unsubscribe","stream":"a:\\ud800\\u0041"}', "not json: a string holds half of a surrogate pair"),
        (b'{"type":"unsubscribe","stream":"a:\\udc00 and more"}', "not json: a string holds half of a surrogate pair"),
        (b'{"type":"unsubscribe","stream":"a:\\ud83d\\ude00', "not json: Input data was truncated"),
        (b'{"type":"ping","sent_ms":NaN}', "not json: JSON is malformed: invalid character (byte 25)"),
        (b'{"type":"ping","sent_ms":1e999}', "Number out of range - at `$.sent_ms`"),
    ],
)
def test_broken_json_is_told_how_it_is_broken(data: bytes, says: str) -> None:
    assert complaint(JSON.decode_client, data) == says


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not msgpack: Input data was truncated"),
        (b"\xc1", "not msgpack: MessagePack data is malformed: invalid opcode '\\xc1' (byte 0)"),
        (b"\x82\xa4type\xabunsubscribe\xa6stream\xa3a:\xff", "not msgpack: text that is not UTF-8, invalid start byte"),
        (b"\x82\xa4type\xa4ping\x01\x02", "Expected `str`, got `int` - at `key` in `$`"),
        (b"\x82\xa4type\xa4ping\xa7sent_ms\xc4\x01a", "Expected `int`, got `bytes` - at `$.sent_ms`"),
        (b"\x82\xa4type\xa4ping\xa7sent_ms\xd6\xff\x00\x00\x00\x00", "Expected `int`, got `ext` - at `$.sent_ms`"),
        (b'{"type":"ping","sent_ms":1}', "Expected `object`, got `int`"),
    ],
)
def test_broken_msgpack_is_told_how_it_is_broken(data: bytes, says: str) -> None:
    assert complaint(MSGPACK.decode_client, data) == says


@both
def test_the_deepest_allowed_nesting_is_read_and_one_more_is_not(codec: Codec) -> None:
    # Message, events, event and data stand around it.
    def emit(depth: int) -> bytes:
        data: object = 1
        for _ in range(depth - 3):
            data = [data]
        return codec.encode({"type": "emit", "events": [{**EVENT, "data": data}]})

    assert isinstance(codec.decode_client(emit(NESTING_MAX)), Emit)
    assert complaint(codec.decode_client, emit(NESTING_MAX + 1)).startswith("arrays and ")


def test_nesting_inside_strings_does_not_count() -> None:
    event = {**EVENT, "data": "[" * 1_000 + '"{' + "\\" * 7}
    assert isinstance(JSON.decode_client(JSON.encode({"type": "emit", "events": [event]})), Emit)


@both
def test_unknown_fields_are_ignored_everywhere(codec: Codec) -> None:
    stream = {"stream": "a:me", "later": [1, {"x": None}]}
    read = codec.decode_client(codec.encode({**HELLO, "streams": [stream], "later": {"deep": [[]]}}))
    assert isinstance(read, Hello)
    assert codec.encode(read) == codec.encode(
        codec.decode_client(codec.encode({**HELLO, "streams": [{"stream": "a:me"}]}))
    )
    ping = codec.decode_client(codec.encode({"type": "ping", "sent_ms": 1, "cells": "no"}))
    assert ping == Ping(1)


# --- an emit with bad events in it ---


@both
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"t": -1}, "`int` >= 0 - at `$.t`"),
        ({"t": 2**53}, f"`int` <= {SAFE_INTEGER_MAX} - at `$.t`"),
        ({"t": 2**63}, f"`int` <= {SAFE_INTEGER_MAX} - at `$.t`"),
        ({"t": "1"}, "`int`, got `str` - at `$.t`"),
        ({"kind": ""}, "length >= 1 - at `$.kind`"),
        ({"kind": "k" * 65}, "length <= 64 - at `$.kind`"),
        ({"kind": 7}, "`str`, got `int` - at `$.kind`"),
        ({"stream": "a"}, "length >= 3 - at `$.stream`"),
        ({"valid_ms": -1}, "`$.valid_ms`"),
    ],
)
def test_one_bad_event_in_a_batch_gets_its_own_nack(codec: Codec, change: dict[str, Any], says: str) -> None:
    events = [EVENT, {**EVENT, "seq": 2, **change}, {**EVENT, "seq": 3}]
    read = codec.decode_client(codec.encode({"type": "emit", "events": events}))
    assert isinstance(read, BrokenEmit)
    first, nack, third = read.events
    assert isinstance(first, EmittedEvent)
    assert isinstance(third, EmittedEvent)
    assert codec.decode_value(third.data) == {"a": 1}
    assert isinstance(nack, Nack)
    assert (nack.stream, nack.seq) == (events[1]["stream"], events[1]["seq"])
    assert nack.reason == "invalid"
    assert says in nack.message
    assert codec.decode_server(codec.encode(nack)) == nack


@both
@pytest.mark.parametrize("field", ["t", "kind", "data"])
def test_an_event_that_lacks_a_field_gets_its_own_nack(codec: Codec, field: str) -> None:
    event = {name: value for name, value in EVENT.items() if name != field}
    read = codec.decode_client(codec.encode({"type": "emit", "events": [event]}))
    assert isinstance(read, BrokenEmit)
    (nack,) = read.events
    assert isinstance(nack, Nack)
    assert nack.message == f"Object missing required field `{field}`"


@both
def test_only_an_emit_is_looked_into_event_by_event(codec: Codec) -> None:
    messages: list[dict[str, Any]] = [{"events": []}, {"events": [EVENT]}, {"type": "emits", "events": [EVENT]}]
    for message in messages:
        assert "a client says" in complaint(codec.decode_client, codec.encode(message))


@both
@pytest.mark.parametrize(
    "event",
    [
        None,
        7,
        [],
        {},
        {"stream": "a:me", "t": 1, "kind": "x", "data": 1},
        {"seq": 1, "t": 1, "kind": "x", "data": 1},
        {**EVENT, "seq": 0},
        {**EVENT, "seq": -1},
        {**EVENT, "seq": 2**53},
        {**EVENT, "seq": 2**63},
        {**EVENT, "seq": 1.5},
        {**EVENT, "stream": "a" * 161},
        {**EVENT, "stream": None},
    ],
)
def test_an_event_that_cannot_be_answered_makes_the_emit_unreadable(codec: Codec, event: object) -> None:
    said = complaint(codec.decode_client, codec.encode({"type": "emit", "events": [EVENT, event]}))
    assert "events[1]" in said or "object" in said


@both
def test_data_and_hints_stay_raw_and_absent_hints_stay_absent(codec: Codec) -> None:
    bare, hinted = {**EVENT, "data": [1, {"b": None}]}, {**EVENT, "seq": 2, "hints": None}
    frame = codec.encode({"type": "emit", "events": [bare, hinted]})
    read = codec.decode_client(frame)
    assert isinstance(read, Emit)
    assert codec.decode_value(read.events[0].data) == [1, {"b": None}]
    assert read.events[0].hints is msgspec.UNSET
    assert isinstance(read.events[1].hints, msgspec.Raw)
    assert codec.decode_value(read.events[1].hints) is None
    assert codec.encode(read) == frame


def test_raw_data_that_holds_broken_text_is_refused_when_it_is_read() -> None:
    frame = b'{"type":"emit","events":[{"stream":"a:me","seq":1,"t":1,"kind":"x","data":"\xff"}]}'
    read = JSON.decode_client(frame)
    assert isinstance(read, Emit)
    assert complaint(JSON.decode_value, read.events[0].data) == "not json: text that is not UTF-8, invalid start byte"


# --- what is echoed ---


@both
def test_a_nack_echoes_little_of_what_the_client_sent(codec: Codec) -> None:
    event = {**EVENT, "kind": "\x00\x1b[31m" * 5_000}
    read = codec.decode_client(codec.encode({"type": "emit", "events": [event]}))
    assert isinstance(read, BrokenEmit)
    (nack,) = read.events
    assert isinstance(nack, Nack)
    assert len(nack.message) <= PUBLIC_TEXT_CHARS_MAX
    assert nack.message.isprintable()


# --- acks ---


def test_an_ack_is_read_the_same_alone_and_joined() -> None:
    item = AckItem("a:x", "k3v9q2m4ta", 1, 5, seen=True, cursor="c")
    alone = JSON.decode_server(
        b'{"type":"ack","stream":"a:x","writer":"k3v9q2m4ta","seq":1,"t":5,"seen":true,"cursor":"c"}'
    )
    assert isinstance(alone, Ack)
    assert alone.items() == Ack(acks=[item]).items() == [item]


@both
@pytest.mark.parametrize("missing", ["stream", "writer", "seq", "t"])
def test_an_ack_of_nothing_is_unreadable(codec: Codec, missing: str) -> None:
    ack = {"type": "ack", "stream": "a:x", "writer": "k3v9q2m4ta", "seq": 1, "t": 1}
    del ack[missing]
    assert "stream, writer, seq and t, or acks" in complaint(codec.decode_server, codec.encode(ack))

"""Bad input at the socket: the answer says what was wrong, and other connections notice nothing."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from live_service import Live, eventually, on_live
from raw_device import RawDevice, all_records
from raw_socket import CONTINUATION, TEXT, RawSocket, request

from syncd.config import Config
from syncd.gateway import connection, ledger, outbox
from syncd.limits import (
    EVENT_BYTES_MAX,
    EVENT_NESTING_MAX,
    FRAME_BYTES_MAX,
    OUTBOX_BYTES_HIGH,
    SUBSCRIPTIONS_MAX,
)
from syncd.model.stamp import ms, pack
from syncd.operations.devices import revoke_device
from syncd.protocol.codec import JSON, MSGPACK, Codec
from syncd.protocol.messages import Error, Nack, Snapshot, Unsubscribed, Welcome
from syncd.testing.service import running_service

LONG_S = 30.0
NUMBERS = itertools.count()
BOTH = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])


@pytest.fixture(scope="module")
def bystanders(live: Live) -> Iterator[list[RawDevice]]:
    """Two devices of an account that has nothing to do with the test, connected all the time."""

    async def arrive() -> list[RawDevice]:
        devices = [await live.device(linked).connect() for linked in await live.account("one", "two")]
        for device in devices:
            await device.hello("a:me")
        return devices

    async def leave() -> None:
        for device in devices:
            await device.disconnect()

    devices = live.run(arrive())
    yield devices
    live.run(leave())


@pytest.fixture(autouse=True)
def other_connections_notice_nothing(live: Live, bystanders: list[RawDevice]) -> Iterator[None]:
    """After each test: same sockets, an event from one to the other, and nothing unexpected in between."""
    yield

    async def speak() -> None:
        one, two = bystanders
        await two.knows(await one.emit_acked("settings.changed", {"spoken": next(NUMBERS)}))
        assert one.digest() == two.digest()
        assert not [m for m in (*one.heard, *two.heard) if isinstance(m, Error | Nack | Unsubscribed)]

    live.run(speak())


@asynccontextmanager
async def greeted(live: Live, *, codec: Codec = JSON, **more: Any) -> AsyncIterator[RawDevice]:
    """A device of a fresh account, after its welcome."""
    (linked,) = await live.account("phone")
    async with live.device(linked, codec=codec) as device:
        await device.hello("a:me", **more)
        await device.expect(Snapshot)
        yield device


@asynccontextmanager
async def stranger(live: Live) -> AsyncIterator[RawDevice]:
    """A device of another account, with something of its own to steal."""
    async with greeted(live) as device:
        await device.emit_acked("settings.changed", {"secret": "their password hint"})
        yield device


async def records_of(live: Live, stream: str) -> int:
    return len([r for r in await all_records(live.service.deployment.log) if r.stream == stream])


# --- before hello ---


@on_live
async def test_without_hello_the_socket_closes(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    assert connection.HELLO_TIMEOUT_S == 5.0
    monkeypatch.setattr(connection, "HELLO_TIMEOUT_S", 0.2)
    (linked,) = await live.account("phone")
    async with live.device(linked) as device:
        assert await device.closed() == (4003, "no hello within 5 s")


@on_live
async def test_half_open_sockets_are_dropped(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HELLO_TIMEOUT_S", 0.2)
    for head in (b"", b"GET /v1/sync HTTP/1.1\r\nHost: x\r\nUpgra"):
        async with RawSocket(live.service.ws_url) as raw:
            await raw.send(head)
            assert await raw.rest() == b""


@on_live
async def test_a_first_message_other_than_hello_ends_the_socket(live: Live) -> None:
    (linked,) = await live.account("phone")
    async with live.device(linked) as device:
        await device.say({"type": "ping", "sent_ms": 1})
        assert "first message must be a hello" in (await device.refused()).message
        assert (await device.closed())[0] == 4501


@on_live
async def test_a_second_hello_ends_the_socket(live: Live) -> None:
    async with greeted(live) as device:
        await device.say({"type": "hello", "token": "x", "nonce": "x", "client": "", "now_ms": 0, "streams": []})
        assert "a second hello" in (await device.refused()).message
        code, reason = await device.closed()
        assert (code, "a second hello" in reason) == (4501, True)


@on_live
async def test_an_unknown_token_is_told_so(live: Live) -> None:
    async with RawDevice(live.service.ws_url, "no-token-of-ours") as device:
        await device.say({"type": "hello", "token": device.token, "nonce": "x", "client": "", "now_ms": 0,
                          "streams": [{"stream": "a:me"}]})  # fmt: skip
        error = await device.refused()
        assert error.code == "login_expired"
        assert "token" in error.message
        assert device.token not in error.message
        assert (await device.closed())[0] == 4200


@on_live
async def test_a_hello_that_holds_a_nul_is_unreadable(live: Live) -> None:
    for field in ("nonce", "client"):
        hello = {"type": "hello", "token": "x", "nonce": "x", "client": "", "now_ms": 0, "streams": []}
        async with RawDevice(live.service.ws_url, "x") as device:
            await device.say({**hello, field: "a\0b"})
            assert field in (await device.refused()).message
            assert (await device.closed())[0] == 4500


# --- what cannot be read ---


@BOTH
@on_live
async def test_a_wrong_type_is_answered_with_the_right_ones(live: Live, codec: Codec) -> None:
    async with greeted(live, codec=codec) as device:
        await device.say({"type": "hallo"})
        error = await device.refused()
        assert "hallo" in error.message
        assert "hello" in error.message
        assert (await device.closed())[0] == 4500


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "not json"),
        (b"hello", "not json"),
        (b"[1, 2]", "object"),
        (b'{"no": "type"}', "type"),
        (b'{"type": "digest", "stream": "p:\xff"}', "UTF-8"),
        (b'{"type": "ping", "sent_ms": 9007199254740992}', "9007199254740991"),
        (b'{"type": "ping", "sent_ms": 9223372036854775808}', "9007199254740991"),
        (b'{"type": "ping", "sent_ms": -1}', ">= 0"),
        (b"[" * 100_000, "nest deeper than 32"),
        (b'{"a":' * 100_000, "nest deeper than 32"),
    ],
)
@on_live
async def test_bytes_that_are_no_message_end_the_socket_with_a_reason(live: Live, payload: bytes, words: str) -> None:
    async with greeted(live) as device:
        await device.say_raw(payload)
        assert words in (await device.refused()).message
        assert (await device.closed())[0] == 4500


@on_live
async def test_deep_msgpack_ends_the_socket_with_a_reason(live: Live) -> None:
    async with greeted(live, codec=MSGPACK) as device:
        await device.say_raw(b"\x91" * 200_000)
        assert "nest deeper than 32" in (await device.refused()).message
        assert (await device.closed())[0] == 4500


@on_live
async def test_a_reason_longer_than_a_close_frame_is_cut_between_characters(live: Live) -> None:
    async with greeted(live) as device:
        await device.say({"type": "é" * 300})
        assert (await device.refused()).code == "unreadable"
        code, reason = await device.closed()
        assert code == 4500
        assert reason


@on_live
async def test_text_on_messagepack_and_binary_on_json_are_the_wrong_format(live: Live) -> None:
    for codec, words in ((MSGPACK, "a text frame"), (JSON, "a binary frame")):
        async with greeted(live, codec=codec) as device:
            await device.say_raw(codec.encode({"type": "ping", "sent_ms": 1}), text=not codec.text)
            assert words in (await device.refused()).message
            assert (await device.closed())[0] == 4502


@on_live
async def test_a_frame_over_the_limit_ends_with_1009(live: Live) -> None:
    async with greeted(live) as device:
        await device.say_raw(b'"' + b"x" * FRAME_BYTES_MAX + b'"')
        code, reason = await device.closed()
        assert code == 1009
        assert str(FRAME_BYTES_MAX) in reason


@on_live
async def test_a_message_in_fragments_is_one_message(live: Live) -> None:
    async with greeted(live) as device:
        await device.say_fragments(['{"type": "ping",', "", '"sent_ms"', ": 7}"])
        await device.round_trip()
        assert 7 in [getattr(message, "sent_ms", None) for message in device.heard]


@pytest.mark.parametrize("size", [0, 1_000])
@on_live
async def test_fragments_without_end_meet_one(live: Live, size: int) -> None:
    async with RawSocket(live.service.ws_url) as raw:
        assert b" 101 " in await raw.handshake()
        await raw.frame(TEXT, b"x" * size, fin=False)
        for _ in range(200):
            await raw.frames(CONTINUATION, b"x" * size, count=1_000, fin=False)
            if raw.ended:
                break
        assert await raw.close_code() == 1009


# --- events ---


@BOTH
@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("queue.exploded", {}, "kind 'queue.exploded' is not known here"),
        ("settings.changed", {"k": "a\0b"}, "NUL"),
        ("settings.changed", {"k": 2**53}, "9007199254740991"),
        ("settings.changed", {"k": 2**63}, "9007199254740991"),
        ("settings.changed", {"k": 2**64 - 1}, "9007199254740991"),
        ("settings.changed", {"k": 1.5}, "1.5"),
        ("settings.changed", {}, "length >= 1"),
        ("progress.marked", {"episode": "e", "played": True, "more": 1}, "`more`"),
        ("progress.marked", {"episode": "e"}, "`played`"),
        ("progress.marked", {"episode": "e", "played": "yes"}, "`$.played`"),
        ("playback.seeked", {"play": "abcdefghij.1", "position_ms": 2**63, "playing": True}, "9007199254740991"),
        ("list.inserted", {"list": "items", "side": "R", "items": [{"track": "t"}]}, "queue"),
    ],
)
@on_live
async def test_an_event_of_bad_shape_is_refused_and_the_next_goes_on(
    live: Live, codec: Codec, kind: str, data: Any, words: str
) -> None:
    async with greeted(live, codec=codec) as device:
        bad, good = await device.emit_all((kind, data), ("settings.changed", {"k": 1}))
        nack = await device.nacked(bad)
        assert nack.reason == "invalid"
        assert words in nack.message
        assert (await device.acked(good)).seq == 2
        assert device.digest() == (await device.server_digest()).digest


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = [value]
    return value


@BOTH
@on_live
async def test_data_may_nest_as_deep_as_said_and_no_deeper(live: Live, codec: Codec) -> None:
    async with greeted(live, codec=codec) as device:
        await device.emit_acked("settings.changed", {"k": nested(EVENT_NESTING_MAX - 1)})
        await device.emit("settings.changed", {"k": nested(EVENT_NESTING_MAX)})
        assert "nest deeper than 32" in (await device.refused()).message
        assert (await device.closed())[0] == 4500


@on_live
async def test_a_number_that_no_event_may_have_is_refused_where_it_stands(live: Live) -> None:
    async with greeted(live) as device:
        for t in (2**53, 2**63, -1, "now", None):
            event = device.event("settings.changed", {"k": 1})
            await device.say({"type": "emit", "events": [{**event, "t": t}]})
            nack = await device.nacked(event["seq"])
            assert nack.reason == "invalid"
            assert "$.t" in nack.message
        await device.emit_acked("settings.changed", {"k": 2})


@on_live
async def test_a_seq_that_cannot_be_read_cannot_be_answered(live: Live) -> None:
    for seq in (0, -1, 2**53, 2**64, "1"):
        async with greeted(live) as device:
            await device.say(
                {"type": "emit", "events": [device.event("settings.changed", {"k": 1}, seq=1) | {"seq": seq}]}
            )
            assert "$.events[0]" in (await device.refused()).message
            assert (await device.closed())[0] == 4500


@on_live
async def test_fields_that_messages_do_not_know_are_ignored(live: Live) -> None:
    (linked,) = await live.account("phone")
    async with live.device(linked) as device:
        await device.say({"type": "hello", "token": linked.token, "nonce": "n", "client": "c", "now_ms": 1,
                          "streams": [{"stream": "a:me", "colour": "red"}], "later": {"than": ["us"]}})  # fmt: skip
        device.writer = (await device.expect(Welcome)).writer
        device.account = linked.account
        event = device.event("settings.changed", {"k": 1}, mood="good")
        await device.say({"type": "emit", "events": [event], "batch": 7})
        assert (await device.acked(1)).seq == 1


@BOTH
@on_live
async def test_an_event_over_64_kib_is_refused_and_the_events_behind_go_on(live: Live, codec: Codec) -> None:
    async with greeted(live, codec=codec) as device:
        fits = "x" * (EVENT_BYTES_MAX - len('{"k":""}'))
        first, large, last = await device.emit_all(
            ("settings.changed", {"k": fits}), ("settings.changed", {"k": fits + "x"}), ("settings.changed", {"z": 1})
        )
        nack = await device.nacked(large)
        assert nack.reason == "limit"
        assert f"{EVENT_BYTES_MAX + 1} bytes" in nack.message
        assert str(EVENT_BYTES_MAX) in nack.message
        await device.acked(first)
        await device.acked(last)


@on_live
async def test_the_limit_is_measured_as_canonical_json_whatever_the_wire(live: Live) -> None:
    async with greeted(live, codec=MSGPACK) as device:
        text = "\x01" * (EVENT_BYTES_MAX // 6)  # six bytes each as JSON
        assert (await device.nacked(await device.emit("settings.changed", {"k": text}))).reason == "limit"


@on_live
async def test_hints_are_bounded_and_clean_as_data_is(live: Live) -> None:
    async with greeted(live) as device:
        for hints, reason in (("a\0b", "invalid"), ({"n": 1.5}, "invalid"), (2**63, "invalid"),
                              ("x" * EVENT_BYTES_MAX, "limit")):  # fmt: skip
            nack = await device.nacked(await device.emit("settings.changed", {"k": 1}, hints=hints))
            assert nack.reason == reason
        await device.emit_acked("settings.changed", {"k": 1}, hints={"before": "abc.1.0"})


@on_live
async def test_hints_are_read_to_their_end(live: Live) -> None:
    """MessagePack skips them as raw bytes, so text that is not UTF-8 would only fail when somebody reads the log."""
    async with greeted(live, codec=MSGPACK) as device:
        emit = {"type": "emit", "events": [device.event("settings.changed", {"k": 1}, hints="#####")]}
        await device.say_raw(MSGPACK.encode(emit).replace(b"#####", b"\xff\xff\xff\xff\xff"))
        nack = await device.nacked(1)
        assert nack.reason == "invalid"
        assert "UTF-8" in nack.message


@on_live
async def test_too_many_events_in_an_emit_are_none_at_all(live: Live) -> None:
    async with greeted(live) as device:
        seqs = device.seqs.copy()
        await device.emit_all(*[("settings.changed", {"k": n}) for n in range(257)])
        error = await device.refused()
        assert error.code == "limit"
        assert "257 events" in error.message
        assert "256" in error.message
        device.seqs = seqs
        assert (await device.emit_acked("settings.changed", {"k": 0})).seq == 1


# --- streams of others ---


@on_live
async def test_another_account_is_closed_to_us_and_nothing_of_it_leaks(live: Live) -> None:
    async with stranger(live) as other, greeted(live) as device:
        theirs = f"a:{other.account}"
        before = await records_of(live, theirs)
        for stream in (theirs, "a:nobodyatall00"):
            await device.say({"type": "subscribe", "stream": stream})
            error = await device.refused()
            assert (error.code, error.stream) == ("forbidden", stream)
            assert "may not subscribe" in error.message
            for event in ({"kind": "settings.changed", "data": {"k": 1}}, {"kind": 7}, {"kind": "no.such", "data": {}}):
                await device.say({"type": "emit", "events": [{"stream": stream, "seq": 1, "t": 1, **event}]})
                nack = await device.nacked(1)
                assert (nack.reason, nack.stream) == ("forbidden", stream)
            await device.say({"type": "digest", "stream": stream})
            assert (await device.refused()).code == "invalid"
        assert await records_of(live, theirs) == before
        assert "password hint" not in str(device.heard)


@on_live
async def test_a_hello_that_names_another_account_gets_its_own_streams_only(live: Live) -> None:
    async with stranger(live) as other:
        (linked,) = await live.account("phone")
        async with live.device(linked) as device:
            welcome = await device.hello(f"a:{other.account}", "a:me", "nonsense")
            assert [each.stream for each in welcome.streams] == [f"a:{linked.account}"]
            errors = {(await device.refused()).stream, (await device.refused()).stream}
            assert errors == {f"a:{other.account}", "nonsense"}
            assert "password hint" not in str(device.heard)


@on_live
async def test_a_cursor_of_another_account_gets_a_snapshot(live: Live) -> None:
    async with stranger(live) as other:
        cursor = other.cursors[f"a:{other.account}"]
    for wrong in (cursor, cursor[:-1] + "9999", "", "garbage", "0" * 200, "9.9.9.9.٣"):
        (linked,) = await live.account("phone")
        async with live.device(linked) as device:
            await device.say({"type": "hello", "token": linked.token, "nonce": "n", "client": "", "now_ms": 0,
                              "streams": [{"stream": "a:me", "cursor": wrong}]})  # fmt: skip
            welcome = await device.expect(Welcome)
            assert welcome.streams[0].resume == "snapshot"
            assert (await device.expect(Snapshot)).part == 0
            assert "password hint" not in str(device.heard)


@on_live
async def test_a_cursor_from_the_future_gets_a_snapshot(live: Live) -> None:
    async with greeted(live) as device:
        await device.emit_acked("settings.changed", {"k": 1})
        stream = f"a:{device.account}"
        prefix = device.cursors[stream].rpartition(".")[0]
        for offset in ("999999999", "9007199254740991", "9007199254740992", "1" * 40):
            await device.disconnect()
            device.cursors[stream] = f"{prefix}.{offset}"
            await device.connect()
            welcome = await device.hello("a:me")
            assert welcome.streams[0].resume == "snapshot"
            await device.expect(Snapshot)
            assert device.digest() == (await device.server_digest()).digest


@on_live
async def test_a_cursor_longer_than_any_of_ours_is_unreadable(live: Live) -> None:
    async with greeted(live) as device:
        await device.say({"type": "subscribe", "stream": "p:" + "x" * 20, "cursor": "x" * 201})
        assert "cursor" in (await device.refused()).message
        assert (await device.closed())[0] == 4500


@on_live
async def test_ten_thousand_subscriptions_end_at_the_limit_and_the_earlier_ones_work(live: Live) -> None:
    async with greeted(live) as device:
        mine = [f"p:{device.account}-{n:05}" for n in range(10_000)]
        for stream in mine:
            await device.say({"type": "subscribe", "stream": stream})
        refused = [await device.refused() for _ in range(10_000 - (SUBSCRIPTIONS_MAX - 1))]
        assert {error.code for error in refused} == {"limit"}
        assert f"at most {SUBSCRIPTIONS_MAX} subscriptions" in refused[0].message
        assert refused[0].stream == mine[SUBSCRIPTIONS_MAX - 1]
        await device.emit_acked("playlist.described", {"name": "still here"}, stream=mine[7])
        assert device.digest(mine[7]) == (await device.server_digest(mine[7])).digest


# --- batches, repeats, gaps ---


@asynccontextmanager
async def fresh_server(live: Live) -> AsyncIterator[str]:
    """The address of a second gateway on the same database, which remembers nothing."""
    config = Config(port=0, ws_port=0, database_url=live.dsn)
    async with running_service(config, frozenset({"gateway"})) as service:
        yield service.ws_url


@on_live
async def test_a_refused_event_in_the_middle_uses_its_seq_and_is_refused_alike_for_ever(live: Live) -> None:
    async with greeted(live) as device:
        batch = [device.event("settings.changed", data) for data in ({"a": 1}, {"b": 0.5}, {"c": 3})]
        await device.say({"type": "emit", "events": batch})
        nack = await device.nacked(2)
        assert nack.reason == "invalid"
        first = [await device.acked(1), await device.acked(3)]
        await device.say({"type": "emit", "events": batch})
        assert await device.nacked(2) == nack
        await device.until(lambda: len([ack for ack in device.acks() if ack.seen]) == 2)
        await device.disconnect()
        await live.projected()
        async with fresh_server(live) as url:
            device.url = url
            await device.connect()
            welcome = await device.hello("a:me")
            assert (welcome.writer, welcome.streams[0].next_seq) == (device.writer, 4)
            await device.say({"type": "emit", "events": batch})
            assert await device.nacked(2) == nack
            again = [await device.acked(1), await device.acked(3)]
            assert [(ack.seq, ack.t, ack.seen) for ack in again] == [(ack.seq, ack.t, True) for ack in first]
            await device.disconnect()


@on_live
async def test_after_a_lost_ack_the_resend_is_seen_with_its_first_time(live: Live) -> None:
    phone, laptop = await live.account("phone", "laptop")
    async with live.device(laptop) as other, live.device(phone) as device:
        await other.hello("a:me")
        await device.hello("a:me")
        event = device.event("settings.changed", {"k": 1}, t=pack(2**41))  # from the future: it will be clamped
        device.pause()
        await device.say({"type": "emit", "events": [event]})
        delta = await other.expect_event("settings.changed")
        await device.cut()
        assert not list(device.acks())
        await device.connect()
        welcome = await device.hello("a:me")
        assert (welcome.writer, welcome.streams[0].next_seq) == (device.writer, 2)
        await device.say({"type": "emit", "events": [event]})
        ack = await device.acked(1)
        assert delta.by is not None
        assert (ack.seen, ack.t) == (True, delta.by.t)
        await device.cut()
        await live.projected()
        async with fresh_server(live) as url:
            device.url = url
            await device.connect()
            await device.hello("a:me")
            await device.say({"type": "emit", "events": [event]})
            assert (await device.acked(1)).t == ack.t
            await device.until(lambda: device.digest() == other.digest())
            await device.disconnect()


@on_live
async def test_a_seq_too_old_for_memory_is_looked_up_in_the_log(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "ANSWERS_MAX", 4)
    async with greeted(live) as device:
        first = await device.emit_acked("settings.changed", {"k": 0})
        bad = await device.nacked(await device.emit("settings.changed", {"k": 0.5}))
        for n in range(6):
            await device.emit_acked("settings.changed", {"k": n})
        events = [device.event("settings.changed", {"k": 0}, seq=seq, t=1) for seq in (1, 2)]
        await device.say({"type": "emit", "events": events})
        ack = await device.until(lambda: next((a for a in device.acks() if a.seen), None))
        assert ack is not None
        assert (ack.seq, ack.t) == (1, first.t)
        assert await device.nacked(2) == bad


@on_live
async def test_a_lower_last_seq_or_another_nonce_gets_a_fresh_writer(live: Live) -> None:
    async with greeted(live) as device:
        for n in range(3):
            await device.emit_acked("settings.changed", {"k": n})
        first = device.writer
        for changes in ({"seqs": {f"a:{device.account}": 2}}, {"nonce": "restored-on-another"}):
            await device.disconnect()
            kept = {name: getattr(device, name) for name in changes}
            device.writer = first
            device.seqs = {f"a:{device.account}": 3}
            for name, value in changes.items():
                setattr(device, name, value)
            await device.connect()
            welcome = await device.hello("a:me")
            assert welcome.writer != first
            assert welcome.streams[0].next_seq == 1
            assert (await device.emit_acked("settings.changed", {"k": 9})).seq == 1
            for name, value in kept.items():
                setattr(device, name, value)


@on_live
async def test_a_writer_of_somebody_else_is_not_ours_and_its_owner_stays_connected(live: Live) -> None:
    async with stranger(live) as owner, greeted(live, writer=owner.writer) as thief:
        assert thief.writer != owner.writer
        await owner.round_trip()
        assert owner.close is None
        assert (await owner.emit_acked("settings.changed", {"k": 2})).seq == 2


@on_live
async def test_a_second_connection_of_one_store_replaces_the_first(live: Live) -> None:
    async with greeted(live) as device:
        await device.emit_acked("settings.changed", {"k": 1})
        async with RawDevice(device.url, device.token) as twin:
            twin.writer, twin.seqs, twin.account = device.writer, device.seqs, device.account
            welcome = await twin.hello("a:me")
            assert (welcome.writer, welcome.streams[0].next_seq) == (device.writer, 2)
            assert (await device.closed())[0] == 4004
            assert (await twin.emit_acked("settings.changed", {"k": 2})).seq == 2


@on_live
async def test_a_gap_is_told_once_and_the_rest_is_dropped_until_the_expected_seq(live: Live) -> None:
    async with greeted(live) as device:
        events = {seq: device.event("settings.changed", {"k": seq}, seq=seq) for seq in range(1, 6)}
        await device.say({"type": "emit", "events": [events[1], events[3], events[4], events[5]]})
        nack = await device.nacked(3)
        assert (nack.reason, nack.expect) == ("gap", 2)
        assert "seq 3 came, 2 was expected" in nack.message
        await device.round_trip()
        assert [message.seq for message in device.heard if isinstance(message, Nack)] == [3]
        await device.say({"type": "emit", "events": [events[2], events[4]]})
        assert (await device.nacked(4)).expect == 3
        await device.say({"type": "emit", "events": [events[3], events[4], events[5]]})
        await device.acked(5)
        assert sorted(ack.seq for ack in device.acks()) == [1, 2, 3, 4, 5]


@on_live
async def test_what_names_a_refused_event_is_refused_as_its_orphan(live: Live) -> None:
    async with greeted(live) as device:
        bad = ("list.inserted", {"list": "queue", "side": "R", "items": [{"no": "track"}]})
        child = ("list.inserted", {"list": "queue", "parent": f"{device.writer}.1.0", "side": "R",
                                   "items": [{"track": "t"}]})  # fmt: skip
        grandchild = ("list.removed", {"list": "queue", "ids": [f"{device.writer}.2.0"]})
        unrelated = ("list.inserted", {"list": "queue", "side": "R", "items": [{"track": "t"}]})
        seqs = await device.emit_all(bad, child, grandchild, unrelated)
        nacks = [await device.nacked(seq) for seq in seqs[:3]]
        assert [nack.reason for nack in nacks] == ["invalid", "orphan", "orphan"]
        assert f"{device.writer}.1" in nacks[1].message
        await device.acked(4)
        assert (await device.nacked(await device.emit(*child))).reason == "orphan"


@on_live
async def test_a_control_that_comes_too_late_is_refused_and_one_in_time_is_not(live: Live) -> None:
    async with greeted(live) as device:
        now_ms = live.service.deployment.clock.now_ms()
        late = await device.emit("settings.changed", {"k": 1}, t=pack(now_ms - 11_000), valid_ms=10_000)
        nack = await device.nacked(late)
        assert nack.reason == "expired"
        assert "10000 ms" in nack.message
        await device.emit_acked("settings.changed", {"k": 1}, t=pack(now_ms - 1_000), valid_ms=10_000)


@on_live
async def test_a_time_from_the_future_is_clamped_and_told_in_the_ack(live: Live) -> None:
    async with greeted(live) as device:
        now_ms = live.service.deployment.clock.now_ms()
        ack = await device.emit_acked("settings.changed", {"k": 1}, t=pack(now_ms + 3 * 86_400_000))
        assert now_ms <= ms(ack.t) <= now_ms + 5_000
        near = pack(now_ms + 300)
        assert (await device.emit_acked("settings.changed", {"k": 2}, t=near)).t == max(near, ack.t + 1)
        assert (await device.emit_acked("settings.changed", {"k": 3}, t=1)).t > near


# --- revocation ---


@pytest.mark.parametrize("how", ["told", "the side channel and the log lost it"])
@on_live
async def test_a_revoked_device_is_closed_within_5_s_and_nothing_more_is_accepted(live: Live, how: str) -> None:
    phone, laptop = await live.account("phone", "laptop")
    work = live.service.deployment
    async with live.device(phone) as device, live.device(laptop) as other:
        await device.hello("a:me")
        await other.hello("a:me")
        if how == "told":
            await revoke_device(work.accounts, work.log, work.side_channel, work.clock, phone.device)
        else:
            await work.accounts.revoke(phone.device)
        assert await device.closed(timeout_s=5.0) == (4201, "this device was revoked")
        assert other.close is None
        before = await records_of(live, f"a:{phone.account}")
        async with live.device(phone) as again:
            await again.say({"type": "hello", "token": phone.token, "nonce": "n", "client": "", "now_ms": 0,
                             "streams": [{"stream": "a:me"}]})  # fmt: skip
            await again.say({"type": "emit", "events": [again.event("settings.changed", {"k": 1})]})
            assert (await again.refused()).code == "login_revoked"
            assert (await again.closed())[0] == 4201
            assert not [m for m in again.heard if isinstance(m, Welcome | Snapshot)]
        assert await records_of(live, f"a:{phone.account}") == before
        await other.emit_acked("settings.changed", {"k": 2})


# --- the handshake ---


@pytest.mark.parametrize(
    ("target", "headers", "status", "words"),
    [
        ("/v1/sync", {}, b"101", b""),
        ("/v1/sync", {"Origin": "http://127.0.0.1:8080"}, b"101", b""),
        ("/v1/sync", {"Origin": "https://evil.example"}, b"403", b"evil.example may not connect"),
        ("/v1/sync", {"Origin": "null"}, b"403", b"may not connect"),
        ("/v1/sync", {"Origin": "http://[broken"}, b"403", b"may not connect"),
        ("/v1/sync", {"Origin": "http://\xe9vil.example"}, b"403", b"may not connect"),
        ("/v1/sync?token=abc", {}, b"400", b"a token in the URL"),
        ("/v1/sync?Access_Token=abc", {}, b"400", b"a token in the URL"),
        ("/v1/sync?colour=red", {}, b"101", b""),
        ("/", {}, b"404", b"it is at /v1/sync"),
        ("/v1/sync/x", {}, b"404", b"it is at /v1/sync"),
        ("/v1/%ff", {}, b"404", b"it is at /v1/sync"),
        ("/v1/\xff", {}, b"400", b"no HTTP request"),
        ("/v1/sync", {"Sec-WebSocket-Protocol": "syncd.v2.json"}, b"400", b"syncd.v1.json, syncd.v1.msgpack"),
        ("/v1/sync", {"Sec-WebSocket-Protocol": "syncd.v2.json, syncd.v1.msgpack"}, b"101", b"syncd.v1.msgpack"),
        ("/v1/sync", {"Upgrade": "h2c"}, b"426", b"Upgrade"),
        ("/v1/sync", {"Sec-WebSocket-Key": "short"}, b"400", b"Sec-WebSocket-Key"),
        ("/v1/sync", {"Sec-WebSocket-Version": "8"}, b"400", b"Sec-WebSocket-Version"),
    ],
)
@on_live
async def test_a_handshake_is_answered_with_the_reason(
    live: Live, target: str, headers: dict[str, str], status: bytes, words: bytes
) -> None:
    async with RawSocket(live.service.ws_url) as raw:
        head = await raw.handshake(target, headers)
        assert head.split()[1] == status
        assert words in head


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n", b"hello\r\n\r\n", b"GET\r\n\r\n", b"\r\n\r\n"],
    ids=["tls", "a word", "half a line", "nothing"],
)
@on_live
async def test_garbage_instead_of_a_handshake_is_called_that(live: Live, garbage: bytes) -> None:
    async with RawSocket(live.service.ws_url) as raw:
        await raw.send(garbage)
        answer = await raw.rest()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"no HTTP request" in answer


@on_live
async def test_a_post_is_not_a_handshake(live: Live) -> None:
    async with RawSocket(live.service.ws_url) as raw:
        await raw.send(request("/v1/sync", {}).replace(b"GET", b"POST", 1))
        assert (await raw.rest()).startswith(b"HTTP/1.1 405 ")


@on_live
async def test_a_head_without_end_is_refused(live: Live) -> None:
    async with RawSocket(live.service.ws_url) as raw:
        await raw.send(b"GET /v1/sync HTTP/1.1\r\n" + b"X: y\r\n" * 20_000)
        assert (await raw.rest()).startswith(b"HTTP/1.1 431 ")


# --- readers ---


async def outbox_bytes(live: Live) -> float:
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{live.service.http_url}/metrics")).text
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith("syncd_outbox_bytes ")))


@on_live
async def test_a_reader_that_never_reads_costs_little_and_is_aborted(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outbox.SEND_TIMEOUT_S == 10.0
    monkeypatch.setattr(outbox, "SEND_TIMEOUT_S", 2.0)
    phone, laptop = await live.account("phone", "laptop")
    async with RawSocket(live.service.ws_url, receive_bytes=4_096) as deaf, live.device(laptop) as device:
        await deaf.handshake()
        await deaf.hello(phone.token)
        await device.hello("a:me")
        peak = 0.0
        for n in range(40):
            batch = [("settings.changed", {f"k{n}-{k}": "x" * 60_000}) for k in range(4)]
            seqs = await device.emit_all(*batch)
            await device.acked(seqs[-1])
            peak = max(peak, await outbox_bytes(live))
        assert 0 < peak <= OUTBOX_BYTES_HIGH + FRAME_BYTES_MAX, "nothing was sent, or too much was kept"
        await eventually(lambda: _none_waits(live), timeout_s=LONG_S)
        assert await deaf.was_aborted()
        await device.emit_acked("settings.changed", {"k": "goes on"})


async def _none_waits(live: Live) -> bool:
    return await outbox_bytes(live) == 0

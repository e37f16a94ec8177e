"""Bad events, and streams of others: each is refused with a reason, the next goes on, and nothing leaks."""

from __future__ import annotations

from typing import Any

import pytest
from live_service import BOTH, Live, greeted, on_live, records_of, stranger

from syncd.limits import (
    EVENT_BYTES_MAX,
    EVENT_NESTING_MAX,
    SUBSCRIPTIONS_MAX,
)
from syncd.protocol.codec import MSGPACK, Codec
from syncd.protocol.messages import Snapshot, Welcome

pytestmark = pytest.mark.usefixtures("other_connections_notice_nothing")


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
        await device.agrees((await device.server_digest()).digest)


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
            await device.expect(Snapshot, lambda snapshot: snapshot.last)
            await device.agrees((await device.server_digest()).digest)


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

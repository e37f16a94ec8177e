"""Bad input at the socket: the answer says what was wrong, and other connections notice nothing."""

from __future__ import annotations

import httpx
import pytest
from live_service import BOTH, Live, greeted, on_live
from raw_device import RawDevice
from raw_socket import CLOSE, CONTINUATION, TEXT, RawSocket, masked, request

from syncd.gateway import connection, outbox
from syncd.limits import (
    FRAME_BYTES_MAX,
    HELLO_TIMEOUT_S,
    OUTBOX_BYTES_HIGH,
    SEND_TIMEOUT_S,
)
from syncd.protocol.codec import JSON, MSGPACK, Codec
from syncd.testing.patience import PATIENCE_S, eventually

pytestmark = pytest.mark.usefixtures("other_connections_notice_nothing")


# --- before hello ---


@on_live
async def test_without_hello_the_socket_closes(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    assert HELLO_TIMEOUT_S == 5.0
    monkeypatch.setattr(connection, "HELLO_TIMEOUT_S", 1.0)  # it counts from the first byte of the handshake
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
async def test_messages_in_one_piece_are_read_up_to_the_one_that_ends_the_socket(live: Live) -> None:
    (linked,) = await live.account("phone")
    async with RawSocket(live.service.ws_url) as raw:
        await raw.handshake()
        await raw.hello(linked.token)
        pings = [b'{"type":"ping","sent_ms":%d}' % ms for ms in (11, 12, 13)]
        await raw.send(b"".join(masked(TEXT, ping) for ping in pings))
        said = await raw.until(b'"sent_ms":13')
        assert -1 < said.find(b'"sent_ms":11') < said.find(b'"sent_ms":12')
        await raw.send(b"".join(masked(TEXT, each) for each in (pings[0], b"no message", pings[1])))
        assert b'"sent_ms":11' in await raw.until(b"unreadable")
        await raw.frame(CLOSE, b"")
        assert b'"sent_ms":12' not in await raw.rest()


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
        (b'{"a":' * 40_000, "nest deeper than 32"),
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


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x02{}", 1002),  # not masked
        (b"\xc1\x80\0\0\0\0", 1002),  # a reserved bit, as of a compression that nobody agreed on
        (b"\x83\x80\0\0\0\0", 1002),  # an opcode that means nothing
        (b"\x80\x80\0\0\0\0", 1002),  # the end of a message that never began
        (b"\x09\x80\0\0\0\0", 1002),  # a ping in fragments
        (b"\x89\xfe\0\x7e\0\0\0\0" + b"x" * 126, 1002),  # a ping over 125 bytes
        (b"\x88\x82\0\0\0\0\x03\xec", 1002),  # a close with a code that is never sent, 1004
        (b"\x81\xff\x7f" + b"\xff" * 7 + b"\0\0\0\0", 1009),  # a frame of 2^63 bytes
        (b"\x88\x82\0\0\0\0\x03\xe8", 1000),  # a polite goodbye
    ],
)
@on_live
async def test_frames_that_break_the_rules_are_closed_by_them(live: Live, frame: bytes, code: int) -> None:
    async with RawSocket(live.service.ws_url) as raw:
        await raw.handshake()
        await raw.send(frame)
        assert await raw.close_code() == code
        assert await raw.rest() == b""


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
        ("//[/v1/sync", {}, b"404", b"it is at /v1/sync"),
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
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        text = (await client.get(f"{live.service.http_url}/metrics")).text
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith("syncd_outbox_bytes ")))


@on_live
async def test_a_reader_that_never_reads_costs_little_and_is_aborted(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SEND_TIMEOUT_S == 10.0
    monkeypatch.setattr(outbox, "SEND_TIMEOUT_S", 2.0)
    phone, laptop = await live.account("phone", "laptop")
    async with RawSocket(live.service.ws_url, receive_bytes=4_096) as deaf, live.device(laptop) as device:
        await deaf.handshake()
        await deaf.hello(phone.token)
        await device.arrive("a:me")
        peak = 0.0
        for n in range(40):
            batch = [("settings.changed", {f"k{n}-{k}": "x" * 60_000}) for k in range(4)]
            seqs = await device.emit_all(*batch)
            await device.acked(seqs[-1])
            peak = max(peak, await outbox_bytes(live))
        assert 0 < peak <= OUTBOX_BYTES_HIGH + FRAME_BYTES_MAX, "nothing was sent, or too much was kept"
        await eventually(lambda: _none_waits(live))
        assert await deaf.was_aborted()
        await device.emit_acked("settings.changed", {"k": "goes on"})


async def _none_waits(live: Live) -> bool:
    return await outbox_bytes(live) == 0

"""What is answered without the library is what the library would have answered."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from syncd.gateway import upgrade as upgrades
from syncd.gateway.handshake import refusal
from syncd.gateway.upgrade import Upgrades, plain_upgrade
from syncd.protocol.codec import CODECS, JSON, MSGPACK, codec_for

ORIGINS = frozenset({"player.example"})
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
OTHER_KEY = "x3JJHMbDL1EzLkh9GBhXDw=="
PLAIN = {
    "Host": "127.0.0.1:8081",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "syncd.v1.json",
}
Answer = tuple[str, str | None]
"""(Sec-WebSocket-Accept, subprotocol)"""


def head(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def request(line: str = "GET /v1/sync HTTP/1.1", **headers: str | None) -> bytes:
    """A plain request, with some headers changed or (None) left out."""
    changed = {**PLAIN, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return head(line, *(f"{name}: {value}" for name, value in changed.items() if value is not None))


def by_library(data: bytes) -> Answer | None:
    """What the library and our rules make of it; None where they refuse it."""

    def select(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        known = [name for name in offered if name in CODECS]
        if offered and not known:
            raise ValueError("none in common")
        return known[0] if known else None

    protocol = ServerProtocol(subprotocols=[Subprotocol(name) for name in CODECS], select_subprotocol=select)
    protocol.receive_data(data)
    events = protocol.events_received()
    if len(events) != 1 or not isinstance(events[0], Request) or protocol.reader.buffer:
        return None
    if refusal(events[0], origins=ORIGINS) is not None:
        return None
    response = protocol.accept(events[0])
    return (response.headers["Sec-WebSocket-Accept"], protocol.subprotocol) if response.status_code == 101 else None


def here(data: bytes) -> Answer | None:
    """The same from our own answer."""
    upgrade = plain_upgrade(data, origins=ORIGINS)
    if upgrade is None:
        return None
    first, *lines = upgrade.response.decode().removesuffix("\r\n\r\n").split("\r\n")
    assert first == "HTTP/1.1 101 Switching Protocols"
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    assert (headers["Upgrade"], headers["Connection"]) == ("websocket", "Upgrade")
    subprotocol = headers.get("Sec-WebSocket-Protocol")
    assert upgrade.codec is codec_for(subprotocol)
    return headers["Sec-WebSocket-Accept"], subprotocol


@pytest.mark.parametrize(
    "data",
    [
        request(),
        request(Sec_WebSocket_Protocol=None),
        request(Sec_WebSocket_Protocol="chat, syncd.v1.msgpack, syncd.v1.json"),
        request(Connection="keep-alive, Upgrade", Upgrade="WebSocket"),
        request(Origin="https://player.example", User_Agent="Mozilla/5.0 (X11)", Cookie="a=b; c=d"),
        request(Origin="http://127.0.0.1:8080"),
        request(Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits"),
    ],
)
def test_what_clients_say_is_answered_here(data: bytes) -> None:
    answered = here(data)
    assert answered is not None
    assert answered == by_library(data)


@pytest.mark.parametrize(
    "data",
    [
        request(line="GET /v1/sync?token=secret HTTP/1.1"),
        request(line="GET /v1/other HTTP/1.1"),
        request(line="POST /v1/sync HTTP/1.1"),
        request(line="GET /v1/sync HTTP/1.0"),
        request(Upgrade=None),
        request(Upgrade="h2c"),
        request(Connection="close"),
        request(Sec_WebSocket_Key="c2hvcnQ="),
        request(Sec_WebSocket_Key=None),
        request(Sec_WebSocket_Version="8"),
        request(Sec_WebSocket_Protocol="chat"),
        request(Sec_WebSocket_Protocol=""),
        request(Origin="https://evil.example"),
        request(Origin="null"),
        request(Origin="https://127.0.0.1", Host=None),
        request(Content_Length="5"),
        request(Transfer_Encoding="chunked"),
        request()[:-1],
        request() + b"\x81\x00",
        request().replace(b"Host", b"Ho st"),
        request().replace(b"Host: ", b"Host: \x00"),
        request().replace(b"\r\nHost", b"\nHost"),
        request().replace(b"\r\nHost", b"\r\nOrigin: https://player.example\r\nOrigin: https://evil.example\r\nHost"),
        request().replace(b"\r\nHost", b"\r\n folded\r\nHost"),
        request(Cookie="x" * 9_000),
        head("GET /v1/sync HTTP/1.1"),
        b"",
        b"\x16\x03\x01",
    ],
)
def test_what_is_not_plain_is_left_to_the_library(data: bytes) -> None:
    assert plain_upgrade(data, origins=ORIGINS) is None


VALUES = st.sampled_from([
    "websocket", "WEBSOCKET", "Upgrade", "upgrade, keep-alive", "keep-alive", "", "13", "8", KEY, KEY[:-1], "=" * 24,
    JSON.subprotocol, MSGPACK.subprotocol, f"chat ,\t{JSON.subprotocol}", "chat", "a,,b", ",", "127.0.0.1", "[::1]:1",
    "https://player.example", "http://127.0.0.1", "https://evil.example", "http://[", "5", "\x7f", "caf\xe9",
])  # fmt: skip
NAMES = st.sampled_from([*PLAIN, *map(str.lower, PLAIN), "Origin", "Content-Length", "Cookie", "X y", ""])
CHANGES = st.lists(st.tuples(st.sampled_from(["set", "add", "drop"]), NAMES, VALUES), max_size=4)
SPACES = st.sampled_from(["", " ", "\t ", "  "])


def changed(changes: list[tuple[str, str, str]], before: str, behind: str, first: str) -> bytes:
    """A plain request after some changes, with white space around its values."""
    headers = list(PLAIN.items())
    for what, name, value in changes:
        if what != "add":
            headers = [each for each in headers if each[0] != name]
        if what != "drop":
            headers.append((name, value))
    return head(first, *(f"{name}:{before}{value}{behind}" for name, value in headers))


@given(CHANGES, SPACES, SPACES, st.sampled_from(["GET /v1/sync HTTP/1.1", "GET /v1/sync? HTTP/1.1"]))
def test_whatever_is_answered_here_the_library_answers_the_same(
    changes: list[tuple[str, str, str]], before: str, behind: str, first: str
) -> None:
    data = changed(changes, before, behind, first)
    ours = here(data)
    event("answered here" if ours is not None else "left to the library")
    if ours is not None:
        assert ours == by_library(data)


REMEMBERING = Upgrades(ORIGINS)
"""One for all examples: what it remembers of one must not answer another."""


@example([], " ", "", [OTHER_KEY, KEY[:-1], KEY + "=", "=" * 24, f" {KEY}", ""])
@given(CHANGES, SPACES, SPACES, st.lists(st.sampled_from([KEY, OTHER_KEY, KEY[:-1], f"{KEY}=", f" {KEY}", ""])))
def test_a_request_that_is_remembered_is_answered_as_if_it_were_not(
    changes: list[tuple[str, str, str]], before: str, behind: str, keys: list[str]
) -> None:
    data = changed(changes, before, behind, "GET /v1/sync HTTP/1.1")
    for asked in (data, *(data.replace(KEY.encode(), key.encode()) for key in keys), data):
        assert REMEMBERING.answer(asked) == plain_upgrade(asked, origins=ORIGINS)


def test_who_sends_what_was_sent_before_is_not_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    remembering = Upgrades(ORIGINS)
    first = remembering.answer(request())
    monkeypatch.setattr(upgrades, "plain_upgrade", lambda *_, **__: None)
    assert remembering.answer(request()) == first
    assert first is not None
    other = remembering.answer(request(Sec_WebSocket_Key=OTHER_KEY))
    assert other is not None
    assert (other.codec, other.response == first.response) == (first.codec, False)
    assert remembering.answer(request(Host="other")) is None


def test_only_so_many_requests_are_remembered_and_none_that_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrades, "KNOWN_MAX", 2)
    remembering = Upgrades(ORIGINS)
    for host in "abc":
        assert remembering.answer(request(Host=host)) is not None
    assert remembering.answer(request(Cookie="x" * 2_000)) is not None
    monkeypatch.setattr(upgrades, "plain_upgrade", lambda *_, **__: None)
    known = [remembering.answer(each) is not None for each in (*(request(Host=h) for h in "abc"),
                                                               request(Cookie="x" * 2_000))]  # fmt: skip
    assert known == [False, False, True, False]

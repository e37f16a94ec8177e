"""Messages as they go over the wire: at least one of each type, with optional fields given and left out."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Raw

from syncd import limits
from syncd.model.cells import Cell, digest
from syncd.model.lowering import lower
from syncd.operations.schemas.samples.events import ACCOUNT, LAPTOP, PHONE, PLAYLIST, SAMPLES, T
from syncd.protocol.codec import Codec
from syncd.protocol.messages import (
    Ack,
    AckItem,
    By,
    ClientMessage,
    Delta,
    Digest,
    DigestRequest,
    Drain,
    Emit,
    EmittedEvent,
    Error,
    Hello,
    Limits,
    Nack,
    Ping,
    PlaybackNow,
    Pong,
    Presence,
    QueueEntry,
    ServerMessage,
    Snapshot,
    StreamClaim,
    StreamWelcome,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    View,
    ViewItem,
    Welcome,
    WireCell,
)

NOW_MS = 1_763_870_000_000
CURSOR = "1.0.e1.42"
"""Opaque: this text only looks like one."""


class Said(NamedTuple):
    """One example: `name` says what is special about it."""

    name: str
    message: ClientMessage | ServerMessage


def client_messages(codec: Codec) -> list[Said]:
    """What clients say. Events carry raw data, so they differ by codec."""
    raw = Raw(codec.encode({"list": "queue", "parent": None, "side": "R", "items": [{"track": "t1"}]}))
    paused = Raw(codec.encode({"epoch": f"{PHONE}.4"}))
    hints = Raw(codec.encode({"left": f"{PHONE}.1.0"}))
    return [
        Said(
            "a store that has nothing yet",
            Hello("example-token", "5c1f0a9be2d7443a", "demo/1", NOW_MS, [StreamClaim("a:me")]),
        ),
        Said(
            "a store that comes back, on a small device",
            Hello(
                "example-token",
                "5c1f0a9be2d7443a",
                "demo/1",
                NOW_MS,
                [StreamClaim("a:me", CURSOR, 7), StreamClaim(PLAYLIST, last_seq=0)],
                writer=PHONE,
                view="now",
            ),
        ),
        Said("from the start", Subscribe(PLAYLIST)),
        Said("from a cursor", Subscribe(PLAYLIST, CURSOR, 3)),
        Said("a playlist that was closed", Unsubscribe(PLAYLIST)),
        Said("one event", Emit([EmittedEvent("a:me", 1, T, "list.inserted", raw)])),
        Said(
            "a control that expires, and an event with hints",
            Emit(
                [
                    EmittedEvent(ACCOUNT, 8, T, "playback.paused", paused, valid_ms=limits.CONTROL_VALID_MS),
                    EmittedEvent(ACCOUNT, 9, T + 1, "list.inserted", raw, hints=hints),
                ]
            ),
        ),
        Said("no event", Emit([])),
        Said("the clock", Ping(NOW_MS)),
        Said("a digest is asked for", DigestRequest(ACCOUNT)),
    ]


def server_messages() -> list[Said]:
    """What servers say."""
    limits_ = Limits(limits.FRAME_BYTES_MAX, limits.EVENT_BYTES_MAX, limits.EMIT_EVENTS_MAX, limits.SUBSCRIPTIONS_MAX)
    cells = lower(SAMPLES[0].event(seq=1))
    wire = _wire(cells)
    volume = _wire({"device/d1/volume_permille": Cell(f"36ler11oo00{LAPTOP}", 500)})
    by = By("9f3c", "d1", "list.inserted", f"{PHONE}.1", T)
    return [
        Said(
            "two streams",
            Welcome(
                PHONE,
                "9f3c",
                "d1",
                NOW_MS + 10,
                [StreamWelcome(ACCOUNT, 1, "snapshot"), StreamWelcome(PLAYLIST, 4, "tail")],
                limits_,
            ),
        ),
        Said("one more stream", Subscribed(PLAYLIST, 1, "cells")),
        Said("asked for", Unsubscribed(PLAYLIST)),
        Said("the role was lost", Unsubscribed(PLAYLIST, "forbidden")),
        Said("an empty stream", Snapshot(ACCOUNT, [], 0, last=True, cursor=CURSOR)),
        Said("a part that is not the last", Snapshot(ACCOUNT, [*wire, *volume], 0, last=False)),
        Said("who did it", Delta(ACCOUNT, wire, CURSOR, by)),
        Said("caught up by cells", Delta(ACCOUNT, volume)),
        Said("only the cursor moves", Delta(ACCOUNT, [], CURSOR)),
        Said("one event", Ack(ACCOUNT, PHONE, 1, T, cursor=CURSOR)),
        Said("a repeat", Ack(ACCOUNT, PHONE, 1, T, seen=True)),
        Said(
            "several",
            Ack(acks=[AckItem(ACCOUNT, PHONE, 2, T), AckItem(PLAYLIST, PHONE, 1, T + 1, seen=True, cursor=CURSOR)]),
        ),
        Said("a gap", Nack(ACCOUNT, 9, "gap", "seq 9 follows 7, send 8 first", expect=8)),
        Said("not allowed", Nack(PLAYLIST, 2, "forbidden", "a viewer may not change this playlist")),
        Said("the clock", Pong(NOW_MS, NOW_MS + 10)),
        Said("one cell", Digest(ACCOUNT, CURSOR, digest(cells), len(cells))),
        Said("a device came", Presence(ACCOUNT, "d1", online=True, since_ms=NOW_MS)),
        Said("come back here", Drain(1_500)),
        Said("come back elsewhere", Drain(0, "wss://sync-2.example.com/v1/sync")),
        Said("about a stream", Error("forbidden", "this playlist is not yours to read", PLAYLIST)),
        Said("before a close", Error("unreadable", "not json: Input data was truncated")),
        Said(
            "playing, one entry queued",
            View(
                ACCOUNT,
                PlaybackNow(
                    "d1", f"{LAPTOP}.7", f"{PHONE}.4", 2, ViewItem("t1", "t1", "context"), 61_500, NOW_MS, True, 1_000
                ),
                [QueueEntry(f"{PHONE}.1.0", "t1")],
                CURSOR,
            ),
        ),
        Said("nothing was ever played", View(ACCOUNT, None, [], CURSOR)),
    ]


def _wire(cells: dict[str, Cell]) -> list[WireCell]:
    return [(key, cell.rank, cell.value) for key, cell in cells.items()]

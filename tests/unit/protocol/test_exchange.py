"""The exchange at the end of design.md section 6, as it is printed there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from syncd import limits
from syncd.model.cells import fold
from syncd.model.events import Event
from syncd.model.lowering import lower
from syncd.model.validate import check, decode_data
from syncd.protocol.codec import JSON
from syncd.protocol.messages import (
    Ack,
    By,
    Delta,
    Emit,
    EmittedEvent,
    Hello,
    Limits,
    Snapshot,
    StreamClaim,
    StreamWelcome,
    Welcome,
)

# As the page has it: "->" is the client, "<-" the server, other lines go on or say who hears what.
PAGE = Path(__file__).with_name("exchange.txt").read_text(encoding="utf-8")
HELLO, WELCOME, SNAPSHOT, EMIT, ACK, DELTA = re.findall(r"^(?:->|<-) (\{.*\}|\{.*\n.*\})$", PAGE, re.MULTILINE)
# The page leaves the limits out; an ellipsis that stands for a token or a cursor is good text.
WELCOME = WELCOME.replace("{…}", '{"frame_bytes":262144,"event_bytes":65536,"emit_events":256,"subscriptions":1000}')

LIMITS = Limits(limits.FRAME_BYTES_MAX, limits.EVENT_BYTES_MAX, limits.EMIT_EVENTS_MAX, limits.SUBSCRIPTIONS_MAX)


def same(text: str, message: object) -> bool:
    """Whether a message is written as the page has it; only the order of fields is free."""
    return bool(json.loads(text) == json.loads(JSON.encode(message)))


def test_hello_as_printed() -> None:
    hello = JSON.decode_client(HELLO.encode())
    assert hello == Hello("…", "5c1f0a9be2d7443a", "demo/1", 1763870000000, [StreamClaim("a:me")])
    assert JSON.encode(hello).decode() == HELLO


def test_welcome_as_printed() -> None:
    welcome = Welcome("k3v9q2m4ta", "9f3c", "d1", 1763870000010, [StreamWelcome("a:9f3c", 1, "snapshot")], LIMITS)
    assert JSON.decode_server(WELCOME.encode()) == welcome
    assert JSON.encode(welcome).decode() == WELCOME


def test_snapshot_as_printed() -> None:
    snapshot = Snapshot("a:9f3c", [], 0, last=True, cursor="…")
    assert JSON.decode_server(SNAPSHOT.encode()) == snapshot
    assert JSON.encode(snapshot).decode() == SNAPSHOT


def test_emit_ack_and_delta_as_printed() -> None:
    emit = JSON.decode_client(EMIT.encode())
    assert isinstance(emit, Emit)
    assert JSON.encode(emit).decode() == EMIT
    (emitted,) = emit.events
    assert isinstance(emitted, EmittedEvent)

    data = decode_data(emitted.kind, emitted.data, format="json")
    check(emitted.kind, data, stream="a:9f3c")
    event = Event("a:9f3c", "k3v9q2m4ta", emitted.seq, emitted.t, emitted.kind, data)
    changed = fold({}, lower(event))

    ack = Ack("a:9f3c", "k3v9q2m4ta", emitted.seq, emitted.t, cursor="…")
    assert JSON.decode_server(ACK.encode()) == ack
    assert JSON.encode(ack).decode() == ACK
    by = By("9f3c", "d1", emitted.kind, "k3v9q2m4ta.1", emitted.t)
    cells = [(key, cell.rank, cell.value) for key, cell in changed.items()]
    delta = Delta("a:9f3c", cells, "…", by)
    assert JSON.decode_server(DELTA.encode()) == delta
    assert same(DELTA, delta)

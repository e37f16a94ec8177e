"""Whether an event enters the log, and as what. Pure but for the ledgers it moves.

The order of the rules is that of merge.md section 1. Refusals for good (`invalid`, `limit`, `expired`, `orphan`) on a
stream that the account may write use up their seq: a `void` record enters the log in the event's place, so that the
events behind it go on.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from syncd.errors import InvalidEvent, LimitExceeded, Unreadable
from syncd.gateway.lane import Lane
from syncd.gateway.ledger import StreamLedger
from syncd.gateway.verdict import UNDER_WAY, Admission, Repeat, Verdict
from syncd.limits import CLOCK_AHEAD_MS_MAX, EVENT_BYTES_MAX
from syncd.log.record import Body, Record, encode_body, record_of
from syncd.model.events import EVENTS, SERVER_KINDS, VOID, Event, ListInserted
from syncd.model.free_json import check_json
from syncd.model.lowering import lower
from syncd.model.references import references
from syncd.model.stamp import COUNTER_BITS, admitted_t, is_expired, ms
from syncd.model.upcast import SCHEMA_VERSION
from syncd.model.validate import canonical_size, read_data, stream_accepts
from syncd.protocol.codec import Codec
from syncd.protocol.messages import EmittedEvent, Nack, NackReason
from syncd.push.entry import ENTRY_OVERHEAD_BYTES, Entry
from syncd.push.entry_of import note_growth, void_answer


class _Permanent(Exception):
    """A refusal that uses up the seq."""

    def __init__(self, reason: NackReason, message: str) -> None:
        super().__init__(message)
        self.reason: NackReason = reason
        self.message = message


def admit(event: EmittedEvent | Nack, lane: Lane, *, codec: Codec, now_ms: int) -> Verdict:
    """Judge one event of a connected writer.

    This is where the gateway's own code spends most on an event. So it says yes on the spot, and calls what knows the
    rule in full, and has the words for it, only where the answer may be no.

    Args:
        event: as it came; a `Nack` where the codec could read no more than stream and seq.
    """
    seq, stream, ledger, writer, author = event.seq, lane.stream, lane.ledger, lane.writer, lane.author
    if seq != ledger.admitted + 1:
        return _out_of_turn(stream, seq, ledger)
    if isinstance(event, Nack):
        return _unread(event, lane, now_ms=now_ms)
    kind = event.kind
    if kind not in lane.kinds and (why := _forbids(kind, lane)) is not None:
        return Nack(stream, seq, "forbidden", why)
    ledger.gap_told = False
    try:
        data = read_data(kind, event.data, format=codec.name, stream=stream)
        t = event.t
        if t >> COUNTER_BITS > now_ms:  # ahead of us; how far is asked there
            t = admitted_t(t, now_ms=now_ms, ahead_ms_max=CLOCK_AHEAD_MS_MAX, last_t=0)
        if event.valid_ms is not None:
            _check_expired(kind, t, valid_ms=event.valid_ms, now_ms=now_ms)
        if t <= writer.last_t:
            t = writer.last_t + 1
        hints = None if event.hints is UNSET else _read_hints(event, codec)
        body = encode_body(Body(t, data, author.account, author.device, now_ms, author.region, event.valid_ms, hints))
        if len(body) > EVENT_BYTES_MAX:  # else there is no need to measure what is in it
            _check_size(data, hints)
        if lane.rules.looks_full and kind == "list.inserted":
            _check_room(data, lane)
        if ledger.voids:
            _check_orphan(kind, data, lane)
    except (_Permanent, InvalidEvent, LimitExceeded) as refusal:
        return _voided(Nack(stream, seq, _reason(refusal), str(refusal)), event.t, lane, now_ms=now_ms)
    record = record_of((stream, writer.writer, seq, kind, SCHEMA_VERSION, body, ""))
    entry = Entry(
        stream, writer.writer, seq, t, kind, author.account, author.device,
        lower(Event(stream, writer.writer, seq, t, kind, data)), -1, len(body) + ENTRY_OVERHEAD_BYTES,
    )  # fmt: skip
    if kind == "list.inserted":
        note_growth(entry, data)
    ledger.admitted = seq
    writer.last_t = t
    return Admission(record, entry, None, t < event.t)


def _out_of_turn(stream: str, seq: int, ledger: StreamLedger) -> Verdict:
    """A seq that is not the next one: a repeat, or behind a gap."""
    if seq <= ledger.durable:
        return Repeat(seq, ledger.answers.get(seq))
    if seq <= ledger.admitted:
        return UNDER_WAY
    if ledger.gap_told:
        return None
    ledger.gap_told = True
    expect = ledger.admitted + 1
    return Nack(stream, seq, "gap", f"seq {seq} came, {expect} was expected", expect)


def _unread(event: Nack, lane: Lane, *, now_ms: int) -> Verdict:
    """An event that the codec could not read."""
    if (why := _forbids("", lane)) is not None:
        return Nack(lane.stream, event.seq, "forbidden", why)
    lane.ledger.gap_told = False
    return _voided(Nack(lane.stream, event.seq, "invalid", event.message), 0, lane, now_ms=now_ms)


def _forbids(kind: str, lane: Lane) -> str | None:
    """Why the author may not write this kind here; None when that is allowed.

    What cannot be read, or is of a kind that nobody knows, is judged as a list's event: whoever may write anything may
    write those. Nobody else may leave even a void in the stream.
    """
    if kind in SERVER_KINDS:
        return f"{kind} is written by the server only"
    if kind not in EVENTS:
        kind = "list.inserted"
    if not stream_accepts(kind, lane.stream):
        return f"{kind} does not belong into {lane.stream[:2]} streams"
    if not lane.rules.may_write(lane.author.account, kind):
        return f"this account may not emit {kind} on {lane.stream}"
    return None


def _reason(refusal: _Permanent | InvalidEvent | LimitExceeded) -> NackReason:
    if isinstance(refusal, _Permanent):
        return refusal.reason
    return "invalid" if isinstance(refusal, InvalidEvent) else "limit"


def _check_expired(kind: str, t: int, *, valid_ms: int, now_ms: int) -> None:
    if is_expired(t, valid_ms=valid_ms, now_ms=now_ms):
        raise _Permanent("expired", f"{kind} was good for {valid_ms} ms and came after {now_ms - ms(t)} ms")


def _read_hints(event: EmittedEvent, codec: Codec) -> Any:
    """They are kept as given, so they may hold no more than data may."""
    assert event.hints is not UNSET
    try:
        hints = codec.decode_value(event.hints)
        check_json(hints, "hints", depth=1)
    except (InvalidEvent, Unreadable) as error:
        raise _Permanent("invalid", str(error)) from error
    return hints


def _check_size(data: Any, hints: Any) -> None:
    size = canonical_size(data) + (0 if hints is None else canonical_size(hints))
    if size > EVENT_BYTES_MAX:
        raise _Permanent("limit", f"an event of {size} bytes; at most {EVENT_BYTES_MAX} as canonical JSON")


def _check_room(data: ListInserted, lane: Lane) -> None:
    room = lane.rules.list_room(data.list)
    if len(data.items) > room:
        raise _Permanent("limit", f"{len(data.items)} items into list {data.list}, which has room for {room}")


def _check_orphan(kind: str, data: Any, lane: Lane) -> None:
    ours = f"{lane.writer.writer}."
    for named in sorted(references(kind, data)):
        if named.startswith(ours) and int(named[len(ours) :]) in lane.ledger.voids:
            raise _Permanent("orphan", f"it names {named}, which was refused")


def _voided(nack: Nack, sent_t: int, lane: Lane, *, now_ms: int) -> Admission:
    """What uses up the seq of an event that is refused for good."""
    seq, stream, ledger, writer, author = nack.seq, lane.stream, lane.ledger, lane.writer, lane.author
    t = admitted_t(sent_t, now_ms=now_ms, ahead_ms_max=CLOCK_AHEAD_MS_MAX, last_t=writer.last_t)
    data = {"reason": nack.reason, "message": nack.message}
    body = encode_body(Body(t, data, author.account, author.device, now_ms, author.region))
    entry = Entry(
        stream, writer.writer, seq, t, VOID, author.account, author.device, {},
        -1, len(body) + ENTRY_OVERHEAD_BYTES, void_answer(data),
    )  # fmt: skip
    ledger.voids.add(seq)  # now, not when it is durable: the event behind it may name this one
    ledger.admitted = seq
    writer.last_t = t
    return Admission(Record(stream, writer.writer, seq, VOID, SCHEMA_VERSION, body), entry, nack, t < sent_t)

"""Whether an event enters the log, and as what. Pure but for the ledgers it moves.

The order of the rules is that of merge.md section 1. Refusals for good (`invalid`, `limit`, `expired`, `orphan`) on a
stream that the account may write use up their seq: a `void` record enters the log in the event's place, so that the
events behind it go on.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct

from syncd.errors import Forbidden, InvalidEvent, LimitExceeded, Unreadable
from syncd.gateway.ledger import Answer, StreamLedger, WriterLedger
from syncd.limits import CLOCK_AHEAD_MS_MAX, EVENT_BYTES_MAX
from syncd.log.record import Body, Record, encode_body
from syncd.model.events import EVENTS, SERVER_KINDS, VOID, Event
from syncd.model.free_json import check_json
from syncd.model.lowering import lower
from syncd.model.references import references
from syncd.model.stamp import admitted_t, is_expired, ms
from syncd.model.upcast import SCHEMA_VERSION
from syncd.model.validate import canonical_size, read_data, stream_accepts
from syncd.protocol.codec import Codec
from syncd.protocol.messages import EmittedEvent, Nack, NackReason
from syncd.push.entry import ENTRY_OVERHEAD_BYTES, Entry, void_answer


class Author(Struct, frozen=True):
    """Who emits."""

    account: str
    device: str
    region: str


class Admission(Struct, frozen=True, gc=False):
    """A record for the log, and the entry it will be once it has an offset. `nack`: what answers it, when a void."""

    record: Record
    entry: Entry
    nack: Nack | None


class Repeat(Struct, frozen=True):
    """The seq is durable already. `answer` is None when it is so old that the log must be asked."""

    seq: int
    answer: Answer | None


class UnderWay:
    """The seq was given to the log and is not answered yet; its answer will come."""


UNDER_WAY = UnderWay()
Verdict = Admission | Repeat | UnderWay | Nack | None
"""None: dropped without an answer (behind a gap that was told)."""


class _Permanent(Exception):
    """A refusal that uses up the seq."""

    def __init__(self, reason: NackReason, message: str) -> None:
        super().__init__(message)
        self.reason: NackReason = reason
        self.message = message


class Rules:
    """What admission must ask about the stream; the gateway's `Guard` answers."""

    def may_write(self, account: str, kind: str) -> bool:
        """Whether this account may emit this kind on the stream, by the roles as they are now."""
        raise AssertionError("abstract")

    def list_room(self, list_name: str) -> int:
        """How many items the list may still take."""
        raise AssertionError("abstract")


def admit(
    event: EmittedEvent | Nack, stream: str, *, author: Author, writer: WriterLedger, ledger: StreamLedger,
    rules: Rules, codec: Codec, now_ms: int,
) -> Verdict:  # fmt: skip
    """Judge one event of a connected writer.

    Args:
        event: as it came; a `Nack` where the codec could read no more than stream and seq.
        stream: with `a:me` resolved.
    """
    seq = event.seq
    if seq != ledger.admitted + 1:
        return _out_of_turn(stream, seq, ledger)
    try:
        _authorise(event.kind if isinstance(event, EmittedEvent) else "", stream, author=author, rules=rules)
    except Forbidden as error:
        return Nack(stream, seq, "forbidden", str(error))
    ledger.gap_told = False
    try:
        if isinstance(event, Nack):
            raise _Permanent("invalid", event.message)
        admitted, body = _read(event, stream, author=author, writer=writer, ledger=ledger, rules=rules,
                               codec=codec, now_ms=now_ms)  # fmt: skip
        nack = answer = None
        cells = lower(admitted)
    except _Permanent as refusal:
        nack = Nack(stream, seq, refusal.reason, refusal.message)
        ledger.voids.add(seq)  # now, not when it is durable: the event behind it may name this one
        t_sent = event.t if isinstance(event, EmittedEvent) else 0
        admitted, body = _void(nack, t_sent, stream, author=author, writer=writer, now_ms=now_ms)
        answer = void_answer(admitted.data)
        cells = {}
    kind, t = admitted.kind, admitted.t
    record = Record(stream, writer.writer, seq, kind, SCHEMA_VERSION, body)
    entry = Entry(
        stream, writer.writer, seq, t, kind, author.account, author.device, cells,
        -1, len(body) + ENTRY_OVERHEAD_BYTES, answer,
    )  # fmt: skip
    ledger.admitted = seq
    writer.last_t = t
    return Admission(record, entry, nack)


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


def _authorise(kind: str, stream: str, *, author: Author, rules: Rules) -> None:
    """Raise `Forbidden` unless the author may write this kind here.

    What cannot be read, or is of a kind that nobody knows, is judged as a list's event: whoever may write anything may
    write those. Nobody else may leave even a void in the stream.
    """
    if kind in SERVER_KINDS:
        raise Forbidden(f"{kind} is written by the server only")
    if kind not in EVENTS:
        kind = "list.inserted"
    if not stream_accepts(kind, stream):
        raise Forbidden(f"{kind} does not belong into {stream[:2]} streams")
    if not rules.may_write(author.account, kind):
        raise Forbidden(f"this account may not emit {kind} on {stream}")


def _read(
    event: EmittedEvent, stream: str, *, author: Author, writer: WriterLedger, ledger: StreamLedger, rules: Rules,
    codec: Codec, now_ms: int,
) -> tuple[Event, bytes]:  # fmt: skip
    """The event as it will be admitted, and the body of its record; or the permanent refusal."""
    kind = event.kind
    try:
        data = read_data(kind, event.data, format=codec.name, stream=stream)
    except InvalidEvent as error:
        raise _Permanent("invalid", str(error)) from error
    except LimitExceeded as error:
        raise _Permanent("limit", str(error)) from error
    t = admitted_t(event.t, now_ms=now_ms, ahead_ms_max=CLOCK_AHEAD_MS_MAX, last_t=0)
    if event.valid_ms is not None and is_expired(t, valid_ms=event.valid_ms, now_ms=now_ms):
        age_ms = now_ms - ms(t)
        raise _Permanent("expired", f"{kind} was good for {event.valid_ms} ms and came after {age_ms} ms")
    if t <= writer.last_t:
        t = writer.last_t + 1
    hints = None if event.hints is UNSET else _read_hints(event, codec)
    body = encode_body(Body(t, data, author.account, author.device, now_ms, author.region, event.valid_ms, hints))
    if len(body) > EVENT_BYTES_MAX:  # else there is no need to measure what is in it
        _check_size(data, hints)
    if kind == "list.inserted":
        room = rules.list_room(data.list)
        if len(data.items) > room:
            raise _Permanent("limit", f"{len(data.items)} items into list {data.list}, which has room for {room}")
    if ledger.voids:
        _check_orphan(kind, data, writer=writer, ledger=ledger)
    return Event(stream, writer.writer, event.seq, t, kind, data), body


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


def _check_orphan(kind: str, data: Any, *, writer: WriterLedger, ledger: StreamLedger) -> None:
    ours = f"{writer.writer}."
    for named in sorted(references(kind, data)):
        if named.startswith(ours) and int(named[len(ours) :]) in ledger.voids:
            raise _Permanent("orphan", f"it names {named}, which was refused")


def _void(
    nack: Nack, t: int, stream: str, *, author: Author, writer: WriterLedger, now_ms: int
) -> tuple[Event, bytes]:  # fmt: skip
    t = admitted_t(t, now_ms=now_ms, ahead_ms_max=CLOCK_AHEAD_MS_MAX, last_t=writer.last_t)
    data = {"reason": nack.reason, "message": nack.message}
    body = encode_body(Body(t, data, author.account, author.device, now_ms, author.region))
    return Event(stream, writer.writer, nack.seq, t, VOID, data), body

"""A record: one admitted event as the log holds it.

What order, duplicates and replay need stays clear in fields of its own (`stream`, `writer`, `seq`, `kind`, `version`);
the rest is `body`, JSON bytes that the log never reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from syncd.errors import Undecodable
from syncd.limits import EVENT_NESTING_MAX, RECORD_BYTES_MAX, SAFE_INTEGER_MAX
from syncd.model.events import EVENTS, Event
from syncd.model.ids import WRITER_PATTERN, is_stream
from syncd.model.raw import json_nests_deeper
from syncd.model.upcast import SCHEMA_VERSION, event_data


class Record(NamedTuple):
    """What an append is given. `trace`: a W3C `traceparent`, where the event is traced."""

    stream: str
    writer: str
    seq: int
    kind: str
    version: int
    body: bytes
    trace: str = ""


record_of: Callable[[tuple[str, str, int, str, int, bytes, str]], Record] = partial(tuple.__new__, Record)
"""A record of all its fields, in half the time: a named tuple's own constructor is a Python function."""


class LoggedRecord(Struct, frozen=True, gc=False):
    """A record with its place: `offset` counts records of the partition from 0."""

    partition: int
    offset: int
    stream: str
    writer: str
    seq: int
    kind: str
    version: int
    body: bytes
    trace: str = ""

    def record(self) -> Record:
        """As an append takes it."""
        return Record(self.stream, self.writer, self.seq, self.kind, self.version, self.body, self.trace)


class Body(Struct, frozen=True, omit_defaults=True):
    """What the gateway adds to an event when it admits it.

    Attributes:
        t: packed time after admission.
        region: of the gateway that admitted it; empty when there is only one.
        admitted_ms: the gateway's clock at admission.
        hints: the client's, kept for a later re-placement.
    """

    t: int
    data: Any
    account: str
    device: str
    admitted_ms: int
    region: str = ""
    valid_ms: int | None = None
    hints: Any = None


_Count = Annotated[int, Meta(ge=0, le=SAFE_INTEGER_MAX)]


T = TypeVar("T")


class _BodyOf(Struct, Generic[T], frozen=True, gc=False):
    """A body with the data of one kind."""

    t: _Count
    data: T
    account: str
    device: str
    admitted_ms: _Count
    region: str = ""


class _Timed(Struct, frozen=True):
    """What every version's body says."""

    t: _Count


class Admitted(Struct, frozen=True, gc=False):
    """A record, decoded: the event, and who sent it."""

    event: Event
    account: str
    device: str
    admitted_ms: int


encode_body: Callable[[Body], bytes] = msgspec.json.Encoder().encode
"""A record's body."""
# A body is decoded at once where its kind is known: taking it apart first, and then the data, costs twice as much.
_decode_of_kind: dict[str, Callable[[bytes], _BodyOf[Any]]] = {
    kind: msgspec.json.Decoder(_BodyOf[data]).decode  # type: ignore[valid-type]  # a type that runs, and mypy reads none
    for kind, data in EVENTS.items()
}
_decode_any_kind = msgspec.json.Decoder(_BodyOf[Any]).decode
_decode_old = msgspec.json.Decoder(_BodyOf[Raw]).decode
_decode_time = msgspec.json.Decoder(_Timed).decode
_is_writer = re.compile(WRITER_PATTERN).match


def encode_record(stream: str, writer: str, seq: int, kind: str, body: Body) -> Record:
    """The record of an admitted event, re-encoded from its typed data, never the client's raw bytes."""
    return Record(stream, writer, seq, kind, SCHEMA_VERSION, encode_body(body))


def decode_record(record: Record | LoggedRecord) -> Admitted:
    """The event in a record, lifted to this version, and who sent it.

    A log may hold what no gateway wrote: whoever can reach a topic can write to it. What passes here can be folded,
    stored and sent to devices.

    Raises:
        Undecodable: the record is not what a gateway writes.
        UpcastFailed: the schema version is unknown here.
    """
    kind, data, body = _read(record)
    event = Event(record.stream, record.writer, record.seq, body.t, kind, data)
    return Admitted(event, body.account, body.device, body.admitted_ms)


def decode_event(record: Record | LoggedRecord) -> Event:
    """The event alone. Raises as `decode_record`."""
    kind, data, body = _read(record)
    return Event(record.stream, record.writer, record.seq, body.t, kind, data)


def _read(record: Record | LoggedRecord) -> tuple[str, Any, _BodyOf[Any]]:
    """Kind and data of this version, and the body that they came in."""
    if not (_is_named(record.stream, record.writer) and 1 <= record.seq <= SAFE_INTEGER_MAX):
        check_named(record)  # says what is wrong
    kind, encoded = record.kind, record.body
    if len(encoded) > RECORD_BYTES_MAX:
        raise Undecodable(f"body of {kind}: {len(encoded)} bytes; at most {RECORD_BYTES_MAX}")
    if json_nests_deeper(encoded, EVENT_NESTING_MAX + 1):  # the data's depth, and the body around it
        raise Undecodable(f"body of {kind}: no JSON, or nested deeper than {EVENT_NESTING_MAX + 1}")
    try:
        if record.version == SCHEMA_VERSION:
            body = _decode_of_kind.get(kind, _decode_any_kind)(encoded)
            return kind, body.data, body
        body = _decode_old(encoded)
        return *event_data(record.version, kind, body.data), body
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(f"body of {kind}: {error}") from error


def check_named(record: Record | LoggedRecord) -> None:
    """Raise `Undecodable` unless stream, writer and seq are what a gateway writes."""
    if not _is_named(record.stream, record.writer):
        raise Undecodable(f"stream {record.stream[:50]!r} and writer {record.writer[:50]!r} are none")
    if not 1 <= record.seq <= SAFE_INTEGER_MAX:
        raise Undecodable(f"seq {record.seq}; 1 to {SAFE_INTEGER_MAX} are allowed")


def time_of(record: Record | LoggedRecord) -> int | None:
    """The admitted time of a record, also of one whose version is unknown here; None when its body cannot be read."""
    try:
        return _decode_time(record.body).t
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


@lru_cache(maxsize=65_536)  # about 20 MiB; a batch names few streams, and a pattern costs more than the rest of a check
def _is_named(stream: str, writer: str) -> bool:
    return is_stream(stream) and stream != "a:me" and _is_writer(writer) is not None

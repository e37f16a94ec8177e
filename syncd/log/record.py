"""A record: one admitted event as the log holds it.

What order, duplicates and replay need stays clear in fields of its own (`stream`, `writer`, `seq`, `kind`, `version`);
the rest is `body`, JSON bytes that the log never reads.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Raw, Struct

from syncd.errors import Undecodable
from syncd.limits import EVENT_NESTING_MAX, RECORD_BYTES_MAX, SAFE_INTEGER_MAX
from syncd.model.events import Event
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


class LoggedRecord(NamedTuple):
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


class _RawBody(Struct, frozen=True):
    """A body whose data waits for its kind."""

    t: _Count
    data: Raw
    account: str
    device: str
    admitted_ms: _Count
    region: str = ""


class _Timed(Struct, frozen=True):
    """What every version's body says."""

    t: _Count


class Admitted(NamedTuple):
    """A record, decoded: the event, and who sent it."""

    event: Event
    account: str
    device: str
    admitted_ms: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_RawBody).decode
_decode_time = msgspec.json.Decoder(_Timed).decode
_is_writer = re.compile(WRITER_PATTERN).match


def encode_record(stream: str, writer: str, seq: int, kind: str, body: Body) -> Record:
    """The record of an admitted event, re-encoded from its typed data, never the client's raw bytes."""
    return Record(stream, writer, seq, kind, SCHEMA_VERSION, _encode(body))


def decode_record(record: Record | LoggedRecord) -> Admitted:
    """The event in a record, lifted to this version.

    A log may hold what no gateway wrote: whoever can reach a topic can write to it. What passes here can be folded,
    stored and sent to devices.

    Raises:
        Undecodable: the record is not what a gateway writes.
        UpcastFailed: the schema version is unknown here.
    """
    check_named(record)
    if len(record.body) > RECORD_BYTES_MAX:
        raise Undecodable(f"body of {record.kind}: {len(record.body)} bytes; at most {RECORD_BYTES_MAX}")
    if json_nests_deeper(record.body, EVENT_NESTING_MAX + 1):  # the data's depth, and the body around it
        raise Undecodable(f"body of {record.kind}: no JSON, or nested deeper than {EVENT_NESTING_MAX + 1}")
    try:
        body = _decode(record.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(f"body of {record.kind}: {error}") from error
    kind, data = event_data(record.version, record.kind, body.data)
    event = Event(record.stream, record.writer, record.seq, body.t, kind, data)
    return Admitted(event, body.account, body.device, body.admitted_ms)


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

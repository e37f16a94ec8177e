"""A record: one admitted event as the log holds it.

What order, duplicates and replay need stays clear in fields of its own (`stream`, `writer`, `seq`, `kind`, `version`);
the rest is `body`, JSON bytes that the log never reads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from syncd.errors import Undecodable
from syncd.model.events import Event
from syncd.model.upcast import SCHEMA_VERSION, event_data


class Record(NamedTuple):
    """What an append is given."""

    stream: str
    writer: str
    seq: int
    kind: str
    version: int
    body: bytes


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


class _RawBody(Struct, frozen=True):
    """A body whose data waits for its kind."""

    t: int
    data: Raw
    account: str
    device: str
    admitted_ms: int
    region: str = ""


class Admitted(NamedTuple):
    """A record, decoded: the event, and who sent it."""

    event: Event
    account: str
    device: str
    admitted_ms: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_RawBody).decode


def encode_record(stream: str, writer: str, seq: int, kind: str, body: Body) -> Record:
    """The record of an admitted event, re-encoded from its typed data, never the client's raw bytes."""
    return Record(stream, writer, seq, kind, SCHEMA_VERSION, _encode(body))


def decode_record(record: Record | LoggedRecord) -> Admitted:
    """The event in a record, lifted to this version.

    Raises:
        Undecodable: the body is not what a gateway writes.
        UpcastFailed: the schema version is unknown here.
    """
    try:
        body = _decode(record.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(f"body of {record.kind}: {error}") from error
    kind, data = event_data(record.version, record.kind, body.data)
    event = Event(record.stream, record.writer, record.seq, body.t, kind, data)
    return Admitted(event, body.account, body.device, body.admitted_ms)

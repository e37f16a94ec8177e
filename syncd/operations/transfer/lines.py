"""The lines of an export, one JSON document each.

    {"type":"header","format":"syncd export","version":1,…}
    {"type":"account",…} {"type":"device",…} {"type":"stream",…} {"type":"writer",…}       in any number and order
    {"type":"record",…}                                                                      in the log's order
    {"type":"end","lines":…,"sha256":…}

A version may add fields and types of lines; older programs refuse it by its number in the header. The body of a record
stands in its line as it stands in the log, byte for byte.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final, TypeAlias

import msgspec
from msgspec import Raw, Struct

from syncd.errors import Undecodable
from syncd.log.record import Record

FORMAT: Final = "syncd export"
VERSION: Final = 1
"""Of the format; this program writes and reads this one."""


class Header(Struct, frozen=True, tag_field="type", tag="header"):
    """The first line.

    Attributes:
        syncd: the version of the program that wrote it.
        made_ms: when, by its clock.
        what: "deployment", or the account's id, or "records" when it holds nothing else.
    """

    format: str
    version: int
    syncd: str
    made_ms: int
    what: str


class AccountLine(Struct, frozen=True, tag_field="type", tag="account"):
    account: str
    name: str
    created_ms: int


class DeviceLine(Struct, frozen=True, tag_field="type", tag="device"):
    """Without its token."""

    device: str
    account: str
    name: str
    linked_ms: int
    revoked_ms: int | None = None


class StreamLine(Struct, frozen=True, tag_field="type", tag="stream"):
    """A playlist, and whose it is."""

    stream: str
    owner: str


class WriterLine(Struct, frozen=True, tag_field="type", tag="writer"):
    """Whose a writer is. The nonce proves nothing without a token."""

    writer: str
    account: str
    device: str
    nonce: str


class RecordLine(Struct, frozen=True, tag_field="type", tag="record", omit_defaults=True):
    """One record; `body64` instead of `body` when its bytes are no JSON."""

    stream: str
    writer: str
    seq: int
    kind: str
    version: int
    body: Raw = Raw()
    body64: str = ""

    @classmethod
    def of(cls, record: Record) -> RecordLine:
        """The line of a record."""
        body = record.body
        try:
            # A line break inside would make two lines of one, space around it would be lost: no gateway writes such.
            is_plain = b"\n" not in body and body == body.strip()
            is_json = is_plain and msgspec.json.decode(body) is not None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            is_json = False
        if is_json:
            return cls(*record[:5], body=Raw(body))
        return cls(*record[:5], body64=base64.b64encode(body).decode())

    @property
    def record(self) -> Record:
        """The record as the log shall hold it."""
        body = base64.b64decode(self.body64) if self.body64 else bytes(self.body)
        return Record(self.stream, self.writer, self.seq, self.kind, self.version, body)


class EndLine(Struct, frozen=True, tag_field="type", tag="end"):
    """The last line: how many were before it, and the SHA-256 of all their bytes, line breaks included."""

    lines: int
    sha256: str


Content: TypeAlias = AccountLine | DeviceLine | StreamLine | WriterLine | RecordLine
"""What an export is made of, between its first line and its last."""
Line: TypeAlias = Header | Content | EndLine

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


def encode_line(line: Line) -> bytes:
    """One line with its line break."""
    return _encode(line) + b"\n"


def decode_line(text: bytes) -> Line:
    """The inverse of `encode_line`. Raises `Undecodable`."""
    try:
        line: Line = _decode(text)
        if isinstance(line, RecordLine):
            base64.b64decode(line.body64, validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error) as error:
        raise Undecodable(f"a line that is none of an export: {error}") from error
    return line

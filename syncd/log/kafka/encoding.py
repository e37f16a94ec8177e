"""A record as Kafka holds it: key = stream, value = body, the rest in headers that any Kafka tool can show.

    kind: list.inserted · writer: k3v9q2m4ta · seq: 12 · version: 1 · traceparent: 00-4bf9…-00f0…-01

The last one only where the event is traced. Headers that are not ours are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from syncd.limits import SAFE_INTEGER_MAX
from syncd.log.kafka.topic import BATCH_BYTES_MAX
from syncd.log.record import LoggedRecord, Record

_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_FORMAT: Final = 2
_UNCOMPRESSED: Final = 0
Headers = list[tuple[str, bytes]]


def headers_of(record: Record) -> Headers:
    """All but the key and the value."""
    headers = [
        ("kind", record.kind.encode()),
        ("writer", record.writer.encode()),
        ("seq", b"%d" % record.seq),
        ("version", b"%d" % record.version),
    ]
    if record.trace:
        headers.append(("traceparent", record.trace.encode()))
    return headers


class Unstorable(Exception):
    """Records that cannot be kept; says why."""


def encode_batch(group: Sequence[Record], *, producer_id: int, producer_epoch: int, sequence: int) -> bytes:
    """All records of a group, as one batch of an idempotent producer.

    Args:
        sequence: of the first record among the producer's on this partition.

    Raises:
        Unstorable: they are too large together, or a text is not what the port asks for.
    """
    if not all(map(is_storable, group)):
        raise Unstorable("a text is empty or holds a control character")
    builder: Any = DefaultRecordBatchBuilder(
        _FORMAT, _UNCOMPRESSED, is_transactional=0, producer_id=producer_id, producer_epoch=producer_epoch,
        base_sequence=sequence, batch_size=BATCH_BYTES_MAX,
    )  # fmt: skip
    for offset, record in enumerate(group):
        try:
            key, headers = record.stream.encode(), headers_of(record)
        except UnicodeEncodeError:
            raise Unstorable("a text holds half a character") from None
        if builder.append(offset, None, key, record.body, headers) is None:
            raise _too_large(group)
    # The builder takes a first record of any size.
    if builder.size() > BATCH_BYTES_MAX:
        raise _too_large(group)
    return bytes(builder.build())


def _too_large(group: Sequence[Record]) -> Unstorable:
    return Unstorable(f"{len(group)} records of one partition are over {BATCH_BYTES_MAX} bytes with their headers")


def is_storable(record: Record) -> bool:
    """Whether its texts are what the port asks for; other adapters could not keep others."""
    return _is_kept(record.stream) and _is_kept(record.writer) and _is_kept(record.kind)


def _is_kept(text: str) -> bool:
    # What can be printed holds no control character; that is known much sooner than the smallest character is found.
    return bool(text) and (text.isprintable() or min(text) >= " ")


def decode_batches(partition: int, batches: bytes) -> Iterator[LoggedRecord]:
    """The records of fetched batches, in order; a batch that was cut off at the end is left out.

    Raises:
        aiokafka.errors.CorruptRecordException: the bytes are not what was written.
    """
    reader: Any = MemoryRecords(batches)
    while reader.has_next():
        batch = reader.next_batch()
        if not batch.validate_crc():
            raise CorruptRecordException(f"checksum of the batch at offset {batch.base_offset}")
        if batch.is_control_batch or batch.is_transactional:
            # We write no transactions; somebody else did, or ended one. It may be aborted, too.
            for offset in range(batch.base_offset, batch.next_offset):
                yield _unreadable(partition, offset)
        else:
            for found in batch:
                yield _decode(partition, found.offset, found.key, found.value, found.headers)


def _decode(
    partition: int, offset: int, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]
) -> LoggedRecord:
    held = dict(headers)
    body = value or b""
    try:
        stream, kind, writer = ((text or b"").decode() for text in (key, held.get("kind"), held.get("writer")))
        return LoggedRecord(
            partition,
            offset,
            stream,
            writer,
            _count(held.get("seq")),
            kind,
            _count(held.get("version")),
            body,
            _trace(held.get("traceparent")),
        )
    except ValueError:  # UnicodeDecodeError is one
        return _unreadable(partition, offset, body)


def _unreadable(partition: int, offset: int, body: bytes = b"") -> LoggedRecord:
    """What stands for a record that no gateway wrote: version 0 is none, so it becomes a dead letter, stops nobody."""
    return LoggedRecord(partition, offset, "", "", 0, "", 0, body)


def _trace(header: bytes | None) -> str:
    """Other programs may write it, too: what is no `traceparent` is none."""
    return header.decode() if header is not None and _TRACEPARENT.fullmatch(header) else ""


def _count(header: bytes | None) -> int:
    """A number from 0 up.

    Raises:
        ValueError: it is none.
    """
    if header is None or not header.isdigit() or len(header) > 16 or int(header) > SAFE_INTEGER_MAX:
        raise ValueError
    return int(header)

"""The header `traceparent` of a Kafka record: ours comes back, what is none is let go, and the record stays."""

from __future__ import annotations

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from syncd.log.kafka.encoding import Headers, decode_batches, headers_of
from syncd.log.record import LoggedRecord, Record

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
RECORD = Record("a:1", "w" * 10, 1, "settings.changed", 1, b"{}")


def stored(headers: Headers) -> LoggedRecord:
    """A record with these headers, as it comes back from a broker."""
    builder = BatchBuilder(10_000, 0)
    builder.append(timestamp=0, key=RECORD.stream.encode(), value=RECORD.body, headers=headers)
    (record,) = decode_batches(0, bytes(builder._build()))
    return record


def test_a_trace_travels_with_its_record() -> None:
    assert stored(headers_of(RECORD._replace(trace=TRACE))) == LoggedRecord(0, 0, *RECORD._replace(trace=TRACE))


def test_a_record_that_is_not_traced_has_no_such_header() -> None:
    assert [name for name, _ in headers_of(RECORD)] == ["kind", "writer", "seq", "version"]
    assert stored(headers_of(RECORD)).trace == ""


@pytest.mark.parametrize("header", [b"", b"\xff", TRACE.upper().encode(), TRACE.encode() + b"-x", b"00-12-34-01"])
def test_what_is_no_trace_is_let_go_and_the_record_stays(header: bytes) -> None:
    assert stored([*headers_of(RECORD), ("traceparent", header)]) == LoggedRecord(0, 0, *RECORD)

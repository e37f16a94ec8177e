"""The three requests of Kafka's protocol that aiokafka has only in versions without topic ids.

A topic's id is drawn when it is created, so it tells a topic from one that was deleted and made again under its name.
A fetch that names the id is refused by the broker when the topic is another one: no check of ours could be as exact.
Brokers speak these versions since Kafka 3.1.

Source: Apache Kafka's message definitions `MetadataRequest.json`, `ListOffsetsRequest.json`, `FetchRequest.json`.
"""

# aiokafka has no types, so what its classes are is not known.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import NamedTuple

from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

READ_COMMITTED = 1
EARLIEST, LATEST = -2, -1
"""What `ListOffsets` takes for a time."""
NO_ID = bytes(16)


class TopicId(AbstractType[bytes]):
    """16 bytes."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(16)


_NAME = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)


class _MetadataResponse(Response):
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_ms", Int32),
        ("brokers", CompactArray(("node", Int32), ("host", _NAME), ("port", Int32), ("rack", _NAME), _TAGS)),
        ("cluster_id", _NAME),
        ("controller", Int32),
        (
            "topics",
            CompactArray(
                ("error", Int16),
                ("name", _NAME),
                ("id", TopicId),
                ("internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("in_sync", CompactArray(Int32)),
                        ("offline", CompactArray(Int32)),
                        _TAGS,
                    ),
                ),
                ("operations", Int32),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class _MetadataRequest(RequestStruct):
    API_KEY = 3
    API_VERSION = 12
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("id", TopicId), ("name", _NAME), _TAGS)),
        ("create", Boolean),
        ("operations", Boolean),
        _TAGS,
    )


class TopicMetadata(NamedTuple):
    """What the cluster says of a topic.

    Attributes:
        error: Kafka's code; 3 when there is no such topic.
        leaders: partition -> node id, -1 when it has none.
        brokers: node id -> host and port.
    """

    error: int
    topic_id: bytes
    leaders: dict[int, int]
    brokers: dict[int, tuple[str, int]]


class DescribeTopic(Request[_MetadataRequest]):
    """Asks for one topic, and never makes it: aiokafka's own request does, where brokers allow it."""

    API_KEY = 3

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: type[_MetadataRequest]) -> _MetadataRequest:
        return request_struct_class([(NO_ID, self._topic, {})], False, False, {})

    @staticmethod
    def answer(response: _MetadataResponse) -> TopicMetadata:
        _, brokers, _, _, topics, _ = (response.get_item(name) for name in response.SCHEMA.names)
        ((error, _, topic_id, _, partitions, _, _),) = topics
        return TopicMetadata(
            error,
            topic_id,
            {partition: leader for _, partition, leader, *_ in partitions},
            {node: (host, port) for node, host, port, _, _ in brokers},
        )


class _ListOffsetsResponse(Response):
    API_KEY = 2
    API_VERSION = 6
    SCHEMA = Schema(
        ("throttle_ms", Int32),
        (
            "topics",
            CompactArray(
                ("name", _NAME),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("error", Int16),
                        ("timestamp", Int64),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        _TAGS,
                    ),
                ),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class _ListOffsetsRequest(RequestStruct):
    API_KEY = 2
    API_VERSION = 6
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _ListOffsetsResponse
    SCHEMA = Schema(
        ("replica", Int32),
        ("isolation", Int8),
        (
            "topics",
            CompactArray(
                ("name", _NAME),
                (
                    "partitions",
                    CompactArray(("partition", Int32), ("leader_epoch", Int32), ("timestamp", Int64), _TAGS),
                ),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class ListOffset(Request[_ListOffsetsRequest]):
    """Asks for `EARLIEST` or `LATEST` of one partition, or for the first record of a time (ms since 1970) or later.

    This version answers with an error, and not with an old number, while a new leader does not know yet how far the
    partition had come.
    """

    API_KEY = 2

    def __init__(self, topic: str, partition: int, which: int) -> None:
        self._topics: Sequence[object] = [(topic, [(partition, -1, which, {})], {})]

    def build(self, request_struct_class: type[_ListOffsetsRequest]) -> _ListOffsetsRequest:
        return request_struct_class(-1, READ_COMMITTED, self._topics, {})

    @staticmethod
    def answer(response: _ListOffsetsResponse) -> tuple[int, int]:
        """Kafka's error code, and the offset; -1 when nothing is so late."""
        ((_, ((_, error, _, offset, _, _),), _),) = response.get_item("topics")
        return error, offset


class _FetchResponse(Response):
    API_KEY = 1
    API_VERSION = 13
    SCHEMA = Schema(
        ("throttle_ms", Int32),
        ("error", Int16),
        ("session", Int32),
        (
            "topics",
            CompactArray(
                ("id", TopicId),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("error", Int16),
                        ("high_watermark", Int64),
                        ("last_stable", Int64),
                        ("log_start", Int64),
                        ("aborted", CompactArray(("producer", Int64), ("first", Int64), _TAGS)),
                        ("preferred_replica", Int32),
                        ("records", CompactBytes),
                        _TAGS,
                    ),
                ),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class _FetchRequest(RequestStruct):
    API_KEY = 1
    API_VERSION = 13
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _FetchResponse
    SCHEMA = Schema(
        ("replica", Int32),
        ("wait_ms", Int32),
        ("bytes_min", Int32),
        ("bytes_max", Int32),
        ("isolation", Int8),
        ("session", Int32),
        ("session_epoch", Int32),
        (
            "topics",
            CompactArray(
                ("id", TopicId),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("leader_epoch", Int32),
                        ("offset", Int64),
                        ("fetched_epoch", Int32),
                        ("log_start", Int64),
                        ("bytes_max", Int32),
                        _TAGS,
                    ),
                ),
                _TAGS,
            ),
        ),
        ("forgotten", CompactArray(("id", TopicId), ("partitions", CompactArray(Int32)), _TAGS)),
        ("rack", _NAME),
        _TAGS,
    )


class Fetched(NamedTuple):
    """One partition's part of an answer.

    Attributes:
        error: Kafka's code; the offsets are -1 when it is not 0.
        end: the high watermark; what lies below is on every replica that counts.
        stable: `end`, or less while somebody's transaction is open: nothing is read beyond it.
        records: batches as they lie on disk; the last one may be cut off.
    """

    error: int
    end: int
    stable: int
    start: int
    records: bytes


class Fetch(Request[_FetchRequest]):
    """Asks one leader for records of its partitions, whole batches, at least one if there is one.

    Args:
        places: partition -> the offset to begin at.
        bytes_max: of all partitions together.
        wait_ms: how long the broker may hold the answer back while there is nothing.
    """

    API_KEY = 1

    def __init__(self, topic_id: bytes, places: Mapping[int, int], *, bytes_max: int, wait_ms: int = 0) -> None:
        partitions: list[object] = [
            (partition, -1, offset, -1, -1, bytes_max, {}) for partition, offset in places.items()
        ]
        self._topics: Sequence[object] = [(topic_id, partitions, {})]
        self._bytes_max = bytes_max
        self._wait_ms = wait_ms

    def build(self, request_struct_class: type[_FetchRequest]) -> _FetchRequest:
        session, session_epoch = 0, -1  # none: each request says all
        return request_struct_class(
            -1, self._wait_ms, 1, self._bytes_max, READ_COMMITTED, session, session_epoch, self._topics, [], "", {}
        )

    @staticmethod
    def answers(response: _FetchResponse) -> tuple[int, dict[int, Fetched]]:
        """Kafka's error code of the whole, and the parts by partition; none where it is not 0."""
        if error := response.get_item("error"):
            return error, {}
        ((_, parts, _),) = response.get_item("topics")
        return 0, {
            partition: Fetched(error, end, stable, start, records or b"")
            for partition, error, end, stable, start, _, _, records, _ in parts
        }

    @staticmethod
    def answer(response: _FetchResponse) -> Fetched:
        """Of a request for one partition."""
        error, found = Fetch.answers(response)
        return Fetched(error, -1, -1, -1, b"") if error else next(iter(found.values()))

"""One role of syncd that notes when each event reached which step of its append: `load.append_path` starts it.

    python -m load.stamped_role FILE gateway --json …        what follows FILE is syncd's own command line

The steps are stamped from outside, by wrapping methods: nothing of this is in the product. What was noted is written to
FILE when the role stops.
"""

from __future__ import annotations

import atexit
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from aiokafka.conn import AIOKafkaConnection
from msgspec import Struct

from syncd.cli import main
from syncd.gateway.appender import Appender
from syncd.gateway.pending import Pending
from syncd.log.kafka import KafkaLog
from syncd.log.port import Appended, EventLog
from syncd.log.postgres import PostgresLog
from syncd.log.record import Record
from syncd.push.turn import Turn

PRODUCE = 0
"""Kafka's number of the request that appends."""

Append: TypeAlias = Callable[[Any, Sequence[Record]], Awaitable[list[Appended]]]
clock = time.perf_counter_ns


class Way(Struct):
    """When the events of one append came where; ns of a clock that all processes share.

    Attributes:
        admitted: of each event.
        closed: the log was given the group in which they leave.
        sent, answered: the request to Kafka is written; its answer is here. 0 on another log.
        told: the log says so.
        published: deltas and acks are with the kernel.
    """

    admitted: list[int]
    closed: int
    sent: int
    answered: int
    told: int
    published: int


class Noted(Struct):
    """`requests`: to brokers, by second and kind."""

    ways: list[Way]
    requests: dict[str, dict[int, int]]


class Stamps:
    """What one role does."""

    def __init__(self) -> None:
        self.ways: list[Way] = []
        self.requests: dict[str, Counter[int]] = {}
        self._admitted: dict[int, int] = {}
        self._told: list[Way] = []
        self._sent = self._answered = 0

    def put_on(self) -> None:
        """Wrap what is stamped."""
        for log in (KafkaLog, PostgresLog):
            _replace(log, "append", self._stamped)
        _before(Appender, "submit", self._submitted)
        _before(AIOKafkaConnection, "send", self._request)
        _before(AIOKafkaConnection, "_handle_frame", self._frame)
        _replace(Turn, "end", self._flushed)

    def write(self, file: Path) -> None:
        """Everything, as MessagePack."""
        requests = {name: dict(counts) for name, counts in self.requests.items()}
        file.write_bytes(msgspec.msgpack.encode(Noted(self.ways, requests)))

    def _submitted(self, _: Appender, pending: Pending) -> None:
        self._admitted[id(pending.record)] = clock()

    def _stamped(self, append: Append) -> Append:
        async def stamped(log: EventLog, records: Sequence[Record]) -> list[Appended]:
            closed = clock()
            outcomes = await append(log, records)
            told = clock()
            admitted = [self._admitted.pop(id(record), told) for record in records]
            self._told.append(Way(admitted, closed, self._sent, self._answered, told, 0))
            return outcomes

        return stamped

    def _flushed(self, end: Callable[[Turn], None]) -> Callable[[Turn], None]:
        """What was told before is with the kernel when the turn has ended."""

        def flushed(turn: Turn) -> None:
            end(turn)
            for way in self._told:
                way.published = clock()
            self.ways += self._told
            self._told.clear()

        return flushed

    def _request(self, _: object, request: Any, *__: object, **___: object) -> None:
        if request.API_KEY == PRODUCE:
            self._sent = clock()
        counts = self.requests.setdefault(type(request).__name__, Counter())
        counts[clock() // 10**9] += 1

    def _frame(self, connection: Any, _: bytes) -> None:
        _, request, _ = connection._requests[0]
        if getattr(request, "API_KEY", None) == PRODUCE:
            self._answered = clock()


def _replace(owner: type, name: str, wrap: Callable[[Any], Any]) -> None:
    setattr(owner, name, wrap(getattr(owner, name)))


def _before(owner: type, name: str, note: Callable[..., None]) -> None:
    def wrap(wrapped: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*arguments: Any, **named: Any) -> Any:
            note(*arguments, **named)
            return wrapped(*arguments, **named)

        return noting

    _replace(owner, name, wrap)


if __name__ == "__main__":
    stamps = Stamps()
    stamps.put_on()
    atexit.register(stamps.write, Path(sys.argv.pop(1)))
    main()

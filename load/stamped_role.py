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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiokafka.conn import AIOKafkaConnection
from msgspec import Struct

from syncd.cli import main
from syncd.gateway.appender import Appender, Pending
from syncd.log.port import Appended

PRODUCE = 0
"""Kafka's number of the request that appends."""

clock = time.perf_counter_ns


class Way(Struct):
    """When the events of one append, to one partition, came where; ns of a clock that all processes share.

    Attributes:
        admitted: of each event.
        closed: the group was, in which they leave.
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
        self._closed = self._sent = self._answered = 0

    def put_on(self) -> None:
        """Wrap what is stamped."""
        _before(Appender, "submit", self._submitted)
        _before(Appender, "_append", self._group_closed)
        _around(Appender, "_outcome", self._outcome)
        _before(AIOKafkaConnection, "send", self._request)
        _before(AIOKafkaConnection, "_handle_frame", self._frame)

    def write(self, file: Path) -> None:
        """Everything, as MessagePack."""
        requests = {name: dict(counts) for name, counts in self.requests.items()}
        file.write_bytes(msgspec.msgpack.encode(Noted(self.ways, requests)))

    def _submitted(self, _: Appender, pending: Pending) -> None:
        self._admitted[id(pending)] = clock()

    def _group_closed(self, _: Appender, group: Sequence[Pending]) -> None:
        self._closed = clock()

    def _request(self, _: object, request: Any, *__: object, **___: object) -> None:
        if request.API_KEY == PRODUCE:
            self._sent = clock()
        counts = self.requests.setdefault(type(request).__name__, Counter())
        counts[clock() // 10**9] += 1

    def _frame(self, connection: Any, _: bytes) -> None:
        _, request, _ = connection._requests[0]
        if getattr(request, "API_KEY", None) == PRODUCE:
            self._answered = clock()

    def _outcome(self, call: Callable[[], Any], _: Appender, outcome: Appended, pendings: Sequence[Pending]) -> None:
        told = clock()
        admitted = [self._admitted.pop(id(pending), told) for pending in pendings]
        call()
        self.ways.append(Way(admitted, self._closed, self._sent, self._answered, told, published=clock()))


def _before(owner: type, name: str, note: Callable[..., None]) -> None:
    wrapped = getattr(owner, name)

    def noting(*arguments: Any, **named: Any) -> Any:
        note(*arguments, **named)
        return wrapped(*arguments, **named)

    setattr(owner, name, noting)


def _around(owner: type, name: str, note: Callable[..., None]) -> None:
    wrapped = getattr(owner, name)

    def noting(*arguments: Any) -> None:
        note(lambda: wrapped(*arguments), *arguments)

    setattr(owner, name, noting)


if __name__ == "__main__":
    stamps = Stamps()
    stamps.put_on()
    atexit.register(stamps.write, Path(sys.argv.pop(1)))
    main()

"""Connections to a cluster, and who leads which partition.

Built on aiokafka's connection and not on its client, which makes absent topics where brokers allow it, forgets nothing
that it believed, and has one connection for requests that wait and requests that must not.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from aiokafka.errors import KafkaConnectionError, KafkaError, for_code

from syncd.errors import LogUnavailable
from syncd.log.kafka.address import CLIENT_ID, KafkaAddress, KafkaSecurity
from syncd.log.kafka.connection import Connection, connect
from syncd.log.kafka.wire import DescribeTopic, TopicMetadata

ANSWER_TIMEOUT_S = 5.0
"""For one answer of one broker, besides what the request lets it wait; then the connection is thrown away."""

CLOSE_TIMEOUT_S = 1.0
"""For sockets to close; those that do not are left to the kernel."""

Lane = Literal["calls", "watch", "produce"]
"""Brokers answer the requests of a connection one after the other. So those that wait have one of their own, and those
that somebody waits for."""

Target = tuple[str, int]
"""Host and port."""

UNREACHABLE = (KafkaError, OSError, TimeoutError, ValueError, AssertionError)
"""What a connection may raise: a broker that speaks nonsense fails as a `ValueError` in aiokafka's decoder, and strange
SASL or version answers as an assertion."""

PASSING = frozenset({5, 6, 7, 8, 9, 13, 56, 74, 75, 76, 78})
"""Kafka's codes that pass by themselves: leaders move, replicas catch up, a disk is replaced."""

NO_SUCH_TOPIC = (3, 100, 103)
"""Unknown topic or partition, unknown topic id, another id than before."""


class NoLeader(LogUnavailable):
    """A partition has no leader now, or the topic is gone: a look at the topic tells."""


class Brokers:
    """The brokers of one topic's cluster. Every request has a deadline; a connection that fails is never used again."""

    def __init__(self, address: KafkaAddress, security: KafkaSecurity) -> None:
        self.address = address
        self._security = security.arguments()
        self._seeds = [_target(server) for server in address.servers]
        self._brokers: dict[int, Target] = {}
        self._leaders: dict[int, int] = {}
        self._connections: dict[tuple[Target, Lane], asyncio.Future[Connection]] = {}
        self._closed = False

    async def describe(self) -> TopicMetadata:
        """Ask any broker for the topic; remembers brokers and leaders.

        Raises:
            LogUnavailable: no broker answers.
        """
        found: TopicMetadata = DescribeTopic.answer(await self.ask_any(DescribeTopic(self.address.topic)))
        self._brokers = dict(found.brokers)
        self._leaders = dict(found.leaders)
        return found

    async def ask_any(self, request: Any) -> Any:
        """The answer of whichever broker gives one.

        Raises:
            LogUnavailable: no broker answers.
        """
        reasons = []
        for target in self._targets():
            try:
                return await self._ask(target, "calls", request, ANSWER_TIMEOUT_S)
            except UNREACHABLE as error:
                reasons.append(f"{target[0]}:{target[1]} {_sentence(error)}")
        raise LogUnavailable(f"no Kafka broker answers: {'; '.join(reasons)}")

    async def ask_leader(self, partition: int, request: Any) -> Any:
        """The answer of a partition's leader, as far as we know who that is.

        Raises:
            LogUnavailable: it does not answer. Who leads is asked anew before the next request.
            NoLeader: there is none.
        """
        if partition not in self._leaders:
            await self.describe()
        target = self._leader(partition)
        if target is None:
            self.forget_leader(partition)
            raise NoLeader(f"partition {partition} of {self.address.topic} has no leader")
        return await self.ask(target, [partition], request)

    async def homes(self, partitions: Iterable[int]) -> dict[Target, list[int]]:
        """Partitions by their leaders, as far as we know who those are; without those that have none now.

        Raises:
            LogUnavailable: no broker answers.
        """
        if not self._leaders.keys() >= set(partitions):
            await self.describe()
        homes: defaultdict[Target, list[int]] = defaultdict(list)
        for partition in partitions:
            target = self._leader(partition)
            if target is None:
                self.forget_leader(partition)
            else:
                homes[target].append(partition)
        return homes

    async def ask(
        self, target: Target, partitions: Iterable[int], request: Any, *, lane: Lane = "calls", wait_s: float = 0.0
    ) -> Any:
        """The answer of a broker that leads these partitions.

        Args:
            wait_s: how long the request lets the broker wait.

        Raises:
            LogUnavailable: it does not answer. Who leads is asked anew before the next request.
        """
        with self._leading(target, partitions):
            return await self._ask(target, lane, request, ANSWER_TIMEOUT_S + wait_s)

    async def reach(self, target: Target, partitions: Iterable[int], *, lane: Lane) -> None:
        """Connect, if need be: a later `ask` that fails may have been heard, and this one that fails was not.

        Raises:
            LogUnavailable: as `ask`.
        """
        with self._leading(target, partitions):
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._connect((target, lane))

    def hang_up(self, target: Target, lane: Lane) -> None:
        """Cut a connection: what was asked on it and has no answer yet will not hold up what is asked next."""
        self._drop((target, lane))

    def forget_leader(self, partition: int) -> None:
        """Ask anew who leads a partition before the next request to it."""
        self._leaders.pop(partition, None)

    async def close(self) -> None:
        """Cut all connections: requests under way fail. Twice is harmless."""
        self._closed = True
        closing = [closed for key in list(self._connections) if (closed := self._drop(key)) is not None]
        if closing:
            await asyncio.wait(closing, timeout=CLOSE_TIMEOUT_S)

    @contextmanager
    def _leading(self, target: Target, partitions: Iterable[int]) -> Iterator[None]:
        """Say of a broker's troubles what the port says, and forget that it leads."""
        try:
            yield
        except UNREACHABLE as error:
            for partition in partitions:
                self.forget_leader(partition)
            raise LogUnavailable(f"Kafka broker {target[0]}:{target[1]} {_sentence(error)}") from error

    def _leader(self, partition: int) -> Target | None:
        return self._brokers.get(self._leaders.get(partition, -1))

    def _targets(self) -> Iterable[Target]:
        """Those we are connected to first, then all we ever heard of."""
        connected = [
            target for (target, lane), opening in self._connections.items() if lane == "calls" and _up(opening)
        ]
        return dict.fromkeys([*connected, *self._brokers.values(), *self._seeds])

    async def _ask(self, target: Target, lane: Lane, request: Any, timeout_s: float) -> Any:
        key = (target, lane)
        try:
            async with asyncio.timeout(timeout_s):
                return await _send(await self._connect(key), request)
        except UNREACHABLE:
            # An answer that comes late would only be thrown away, but a connection that was cut hangs for minutes.
            self._drop(key)
            raise

    async def _connect(self, key: tuple[Target, Lane]) -> Connection:
        if self._closed:
            raise KafkaError("the log is closed")
        opening = self._connections.get(key)
        if opening is None or (opening.done() and not _up(opening)):
            self._drop(key)  # what others have asked on it fails now, and not at their deadlines
            opening = asyncio.ensure_future(self._open(key[0]))
            self._connections[key] = opening
        # Shielded: whoever came second must not fail because the first was cancelled.
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if opening.cancelled() and task is not None and not task.cancelling():
                # Not we are cancelled: somebody else gave the connection up. A task that took this for its own end
                # would end in silence.
                raise KafkaError("the connection was given up") from None
            raise

    async def _open(self, target: Target) -> Connection:
        host, port = target
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            return await connect(
                host, port, client_id=CLIENT_ID,
                request_timeout_ms=2 * ANSWER_TIMEOUT_S * 1000,  # ours speaks first
                **self._security,
            )  # fmt: skip

    def _drop(self, key: tuple[Target, Lane]) -> asyncio.Future[Any] | None:
        """Never use a connection again; what ends when it is closed."""
        opening = self._connections.pop(key, None)
        if opening is None:
            return None
        if not opening.done():
            opening.cancel()
            return opening
        if opening.cancelled() or opening.exception() is not None:
            return None
        closed: asyncio.Future[Any] = opening.result().close()
        return closed


def error_name(error: int) -> str:
    """A code of Kafka's in words."""
    names = {100: "UnknownTopicId", 103: "InconsistentTopicId"}
    return names.get(error) or f"{for_code(error).__name__.removesuffix('Error')} ({error})"


def _send(connection: Connection, request: Any) -> Awaitable[Any]:
    """Write a request; its answer. Of a connection that closed a moment ago uvloop says so by a `RuntimeError`, which
    the driver does not know: it expects asyncio's `OSError`."""
    try:
        answer: Awaitable[Any] = connection.send(request)
    except KafkaError:  # is a RuntimeError, too
        raise
    except RuntimeError as error:
        raise KafkaConnectionError(str(error)) from error
    return answer


def _up(opening: asyncio.Future[Connection]) -> bool:
    if not opening.done() or opening.cancelled() or opening.exception() is not None:
        return False
    return bool(opening.result().connected())


def _target(server: str) -> Target:
    host, _, port = server.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _sentence(error: BaseException) -> str:
    """Why, in public words: without what a login may have said."""
    if isinstance(error, TimeoutError):
        return f"does not answer within {ANSWER_TIMEOUT_S:g} s"
    if isinstance(error, OSError):
        return f"cannot be reached ({type(error).__name__})"
    return f"fails ({type(error).__name__})"

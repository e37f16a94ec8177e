"""The side channel: within one process, and through Postgres' NOTIFY."""

from __future__ import annotations

import asyncio
import re

from syncd.errors import StoreUnavailable, SyncdError
from syncd.limits import SIDE_CHANNEL_BYTES_MAX
from syncd.logs import get_logger
from syncd.postgres.database import Database
from syncd.postgres.listening import ListeningConnection
from syncd.postgres.queries import load_queries
from syncd.store.port import Listener

CHANNEL = "syncd_side"

_TOPIC = re.compile(r"[a-z][a-z0-9_.]{0,39}")
_PUBLISH = load_queries("syncd.store", "side_channel.sql")["publish"]
log = get_logger("store")


class _Listeners:
    """Who listens to which topic."""

    def __init__(self) -> None:
        self._callbacks: dict[str, list[Listener]] = {}

    def add(self, topic: str, callback: Listener) -> None:
        if _TOPIC.fullmatch(topic) is None:
            raise ValueError(f"topic {topic!r} must match {_TOPIC.pattern}")
        self._callbacks.setdefault(topic, []).append(callback)

    def deliver(self, topic: str, payload: str) -> None:
        for callback in self._callbacks.get(topic, ()):
            try:
                callback(payload)
            except Exception:  # a task's outer wall: one listener's bug must not silence the others
                log.exception("listener_failed", topic=topic)


def _check(topic: str, payload: str) -> None:
    if _TOPIC.fullmatch(topic) is None:
        raise ValueError(f"topic {topic!r} must match {_TOPIC.pattern}")
    size = len(payload.encode())
    if size > SIDE_CHANNEL_BYTES_MAX or "\0" in payload:
        raise ValueError(f"a payload of {size} bytes on {topic}: at most {SIDE_CHANNEL_BYTES_MAX}, and without NUL")


class MemorySideChannel:
    """A `SideChannel` of one process. Messages arrive on the event loop's next turn, as from a database."""

    def __init__(self) -> None:
        self._listeners = _Listeners()

    async def publish(self, topic: str, payload: str) -> None:
        _check(topic, payload)
        asyncio.get_running_loop().call_soon(self._listeners.deliver, topic, payload)

    def listen(self, topic: str, callback: Listener) -> None:
        self._listeners.add(topic, callback)

    async def close(self) -> None:
        """Nothing to let go of."""


class PostgresSideChannel:
    """A `SideChannel` of all processes on one database. Holds a connection to listen and one to publish."""

    def __init__(self, dsn: str, database: Database) -> None:
        """Use `open`."""
        self._database = database
        self._listeners = _Listeners()
        self._listening = ListeningConnection(dsn, {CHANNEL: self._hear})

    @classmethod
    async def open(cls, dsn: str) -> PostgresSideChannel:
        """Open it and listen. Raises `StoreUnavailable` when the database does not answer."""
        database = await Database.open(dsn, size=1, unavailable=StoreUnavailable, what="side channel")
        side_channel = cls(dsn, database)
        await side_channel._listening.start()
        return side_channel

    async def publish(self, topic: str, payload: str) -> None:
        _check(topic, payload)
        try:
            await self._database.row(_PUBLISH, CHANNEL, f"{topic} {payload}")
        except SyncdError as error:
            log.warning("side_message_lost", topic=topic, code=error.code, error=str(error))

    def listen(self, topic: str, callback: Listener) -> None:
        self._listeners.add(topic, callback)

    async def close(self) -> None:
        """Let go of both connections. Twice is harmless."""
        await self._listening.close()
        await self._database.close()

    def _hear(self, payload: str) -> None:
        topic, _, rest = payload.partition(" ")
        self._listeners.deliver(topic, rest)

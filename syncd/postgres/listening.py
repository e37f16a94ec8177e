"""One connection that LISTENs, for ever.

States: connecting -> listening -> (lost) -> waiting -> connecting … -> closed. Only the task below moves between them.
What is sent while it is not listening is lost; whoever needs certainty polls behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from typing import Any

from syncd.logs import get_logger
from syncd.postgres.connection import CONNECT_TIMEOUT_S, connect
from syncd.postgres.failures import DRIVER_ERRORS, sentence

BACKOFF_S_MIN = 0.1
BACKOFF_S_MAX = 5.0
"""Between attempts to connect; doubles from the first to the second, jittered so that a fleet does not knock as one."""

HEARTBEAT_S = 15.0
"""A connection that only receives cannot tell silence from a dead peer, so it asks this often."""

HEARTBEAT_TIMEOUT_S = 5.0

NAME = "syncd listening"
"""Of the connection, in `pg_stat_activity`."""

_SAY = "select pg_notify($1, $2)"

log = get_logger("postgres")

Callback = Callable[[str], None]


class ListeningConnection:
    """Calls a callback on the event loop for each payload of a channel, and reconnects when the connection is lost.

    Args:
        greeting: (channel, payload) sent whenever it begins to listen.
        heartbeat: (channel, payload) sent when it asks whether the connection lives; None asks only.
    """

    def __init__(
        self, dsn: str, channels: Mapping[str, Callback], *,
        greeting: tuple[str, str] | None = None, heartbeat: tuple[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._dsn = dsn
        self._channels = dict(channels)
        self._greeting = greeting
        self._heartbeat = heartbeat
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def listening(self) -> bool:
        """Whether notifications arrive now, as far as one can know."""
        return self._listening.is_set()

    async def start(self) -> None:
        """Begin, and return once listening, or after the time of one attempt: the task goes on trying."""
        self._task = asyncio.create_task(self._run(), name="syncd-listen")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._listening.wait()

    async def close(self) -> None:
        """Stop listening. Twice is harmless."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                await self._listen_until_lost()
                backoff_s = BACKOFF_S_MIN
            except DRIVER_ERRORS as error:
                log.warning("listening_lost", error=sentence(error))
            await asyncio.sleep(backoff_s * random.uniform(0.5, 1.0))
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _listen_until_lost(self) -> None:
        connection = await connect(self._dsn, name=NAME)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            for channel in self._channels:
                await connection.add_listener(channel, self._deliver)
            if self._greeting is not None:
                await connection.execute(_SAY, *self._greeting, timeout=HEARTBEAT_TIMEOUT_S)
            self._listening.set()
            while not lost.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_S):
                        await lost.wait()
                if not lost.is_set():
                    query = (_SAY, *self._heartbeat) if self._heartbeat is not None else ("select",)
                    await connection.execute(*query, timeout=HEARTBEAT_TIMEOUT_S)
        finally:
            self._listening.clear()
            connection.terminate()

    def _deliver(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        self._channels[channel](str(payload))

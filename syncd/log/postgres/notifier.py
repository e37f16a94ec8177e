"""Tells other processes how far partitions have come, when there are any.

On the channel: `partition:offset_next`, and who is there. A process that begins to listen says `hello <name>`; whoever
hears a stranger's hello answers `here <name>`, and says so again at every heartbeat. So each knows whether anybody else
listens, and one that is alone, as `syncd serve` is, sends no notification at all: they cost more than its appends do.
Whatever of this is lost is covered by polling, as a lost notification is.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets

from syncd.errors import SyncdError
from syncd.log.ends import KnownEnds
from syncd.logs import get_logger
from syncd.postgres.database import Database
from syncd.postgres.listening import HEARTBEAT_S, ListeningConnection
from syncd.postgres.queries import load_queries

CHANNEL = "syncd_log"

INTERVAL_S = 0.002
"""Between two notifications of a busy process; the first after a pause goes at once. 500 wakes a second are plenty for
a tail, which reads all that has come since."""

AUDIENCE_S = 3 * HEARTBEAT_S
"""How long a process that was heard counts as listening; two of its heartbeats may be lost."""

ANSWER_S = 1.0
"""After its own hello a process takes it that somebody listens; by then an answer has come from everybody who does."""

_NOTIFY = load_queries("syncd.log", "log.sql")["notify"]
log = get_logger("log")


class Notifier:
    """Sends at most one NOTIFY at a time, after the commits it tells of, and hears those of others.

    It never makes an append wait: a NOTIFY inside the appending transaction would hold a lock of the whole database
    until that is on disk. While one is under way only the newest end of each partition is kept. One that fails is lost.
    """

    def __init__(self, dsn: str, database: Database, ends: KnownEnds) -> None:
        self._database = database
        self._ends = ends
        self._name = secrets.token_hex(8)
        self._listening = ListeningConnection(
            dsn,
            {CHANNEL: self._hear},
            greeting=(CHANNEL, f"hello {self._name}"),
            heartbeat=(CHANNEL, f"here {self._name}"),
        )
        self._audience_until = 0.0
        self._waiting: dict[int, int] = {}
        self._said_here = True
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen. Returns when listening, or when the first attempt failed; it goes on trying."""
        await self._listening.start()

    def announce(self, partition: int, end: int) -> None:
        """Tell everybody else, soon, that a partition's end is `end`."""
        # Who does not listen himself cannot know that nobody does.
        if asyncio.get_running_loop().time() < self._audience_until or not self._listening.listening:
            self._waiting[partition] = end
            self._wake()

    def _hear(self, payload: str) -> None:
        word, _, name = payload.partition(" ")
        if word in ("hello", "here") and name:
            self._hear_of(name, hello=word == "hello")
            return
        partition, _, end = payload.partition(":")
        if partition.isdecimal() and end.isdecimal() and int(partition) < len(self._ends):
            self._ends.rise(int(partition), int(end))

    def _hear_of(self, name: str, *, hello: bool) -> None:
        stranger = name != self._name
        if stranger or hello:
            until = asyncio.get_running_loop().time() + (AUDIENCE_S if stranger else ANSWER_S)
            self._audience_until = max(self._audience_until, until)
        if stranger and hello:
            self._said_here = False
            self._wake()

    def _wake(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._send(), name="syncd-notify")

    async def _send(self) -> None:
        try:
            while payloads := self._payloads():
                await self._database.row(_NOTIFY, CHANNEL, payloads)
                await asyncio.sleep(INTERVAL_S)
        except SyncdError as error:
            log.warning("notification_lost", code=error.code, error=str(error))
        finally:
            self._task = None

    def _payloads(self) -> list[str]:
        """What has to be said now."""
        payloads = [f"{partition}:{end}" for partition, end in self._waiting.items()]
        self._waiting.clear()
        if not self._said_here:
            payloads.append(f"here {self._name}")
            self._said_here = True
        return payloads

    async def close(self) -> None:
        """Stop; what was not sent yet is lost. Twice is harmless."""
        await self._listening.close()
        task = self._task
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

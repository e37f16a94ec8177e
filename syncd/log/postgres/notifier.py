"""Tells other processes how far partitions have come, when there are any.

On the channel: `partition:offset_next`, and who is there. A process that begins to listen says `hello <name> <ms>`, how
soon it needs news; whoever hears a stranger's hello answers `here <name> <ms>`, and again at every heartbeat. So
each knows whether anybody else listens, and how impatiently. One that is alone, as `syncd serve` is, sends no
notification at all, and one whose only audience is a projector few: they cost more than its appends do. Whatever of
this is lost is covered by polling, as a lost notification is.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import Final

from syncd.errors import SyncdError
from syncd.log.ends import KnownEnds
from syncd.logs import get_logger
from syncd.postgres.database import Database
from syncd.postgres.listening import HEARTBEAT_S, ListeningConnection
from syncd.postgres.queries import load_queries

CHANNEL = "syncd_log"

SOON_MS: Final = 2
"""What a gateway asks for, whose devices wait for what other gateways append. The interval between two notifications of
a busy process; the first after a pause goes at once. 500 wakes a second are plenty for a tail, which reads all that has
come since."""

LATER_MS: Final = 20
"""What everybody else asks for: a projector begins no batch sooner, and an operator's eyes are no faster."""

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

    def __init__(self, dsn: str, database: Database, ends: KnownEnds, *, news_within_ms: int) -> None:
        self._database = database
        self._ends = ends
        self._name = f"{secrets.token_hex(8)} {news_within_ms}"
        self._listening = ListeningConnection(
            dsn,
            {CHANNEL: self._hear},
            greeting=(CHANNEL, f"hello {self._name}"),
            heartbeat=(CHANNEL, f"here {self._name}"),
        )
        self._audience_until: dict[int, float] = {}
        """How soon news is needed, in ms -> until when somebody who needs it so soon counts as listening."""
        self._waiting: dict[int, int] = {}
        self._hurry = asyncio.Event()
        self._said_here = True
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen. Returns when listening, or when the first attempt failed; it goes on trying."""
        await self._listening.start()

    def announce(self, partition: int, end: int) -> None:
        """Tell everybody else, soon, that a partition's end is `end`."""
        if self._interval_ms() is not None:
            self._waiting[partition] = end
            self._wake()

    def _interval_ms(self) -> int | None:
        """What the most impatient of the audience asks for; None without an audience."""
        if not self._listening.listening:
            return SOON_MS  # who does not listen himself cannot know that nobody does
        now_s = asyncio.get_running_loop().time()
        return min((ms for ms, until_s in self._audience_until.items() if now_s < until_s), default=None)

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
            said_ms = name.rpartition(" ")[2]
            # By any other name than these two it is taken for the impatient one, so that there are never more.
            ms = LATER_MS if stranger and said_ms == str(LATER_MS) else SOON_MS
            until_s = asyncio.get_running_loop().time() + (AUDIENCE_S if stranger else ANSWER_S)
            self._audience_until[ms] = max(self._audience_until.get(ms, 0.0), until_s)
            if stranger and ms == SOON_MS:
                self._hurry.set()
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
                if any(":" in payload for payload in payloads):
                    await self._pause()
        except SyncdError as error:
            log.warning("notification_lost", code=error.code, error=str(error))
        finally:
            self._task = None

    async def _pause(self) -> None:
        """Let the audience's interval pass, unless somebody comes who has less time."""
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout((self._interval_ms() or LATER_MS) / 1000):
                await self._hurry.wait()

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

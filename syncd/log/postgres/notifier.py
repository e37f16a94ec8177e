"""Tells other processes how far partitions have come."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from syncd.errors import SyncdError
from syncd.postgres.database import Database
from syncd.postgres.queries import load_queries

CHANNEL = "syncd_log"

_NOTIFY = load_queries("syncd.log", "log.sql")["notify"]
_log = logging.getLogger(__name__)


def parse_payload(payload: str) -> tuple[int, int] | None:
    """(partition, offset_next) of a notification; None when somebody else wrote it."""
    partition, _, end = payload.partition(":")
    return (int(partition), int(end)) if partition.isdecimal() and end.isdecimal() else None


class Notifier:
    """Sends at most one NOTIFY at a time, after the commits it tells of, and never makes an append wait.

    A NOTIFY inside the appending transaction would hold a lock of the whole database until that is on disk. While one
    is under way only the newest end of each partition is kept. A NOTIFY that fails is lost, and polling covers it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ends: dict[int, int] = {}
        self._task: asyncio.Task[None] | None = None

    def announce(self, partition: int, end: int) -> None:
        """Tell everybody, soon, that a partition's end is `end`."""
        self._ends[partition] = end
        if self._task is None:
            self._task = asyncio.create_task(self._send(), name="syncd-notify")

    async def _send(self) -> None:
        try:
            while self._ends:
                payloads = [f"{partition}:{end}" for partition, end in self._ends.items()]
                self._ends.clear()
                await self._database.row(_NOTIFY, payloads)
        except SyncdError as error:
            _log.warning("notification lost, polling covers it: %s", error)
        finally:
            self._task = None

    async def close(self) -> None:
        """Stop; what was not sent yet is lost. Twice is harmless."""
        task = self._task
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

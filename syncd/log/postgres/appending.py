"""The one connection that appends, and what its answers mean."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain, repeat
from typing import Any, Literal

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from syncd import limits
from syncd.errors import EpochChanged
from syncd.log.port import Appended
from syncd.log.postgres.life import Life, check_life
from syncd.log.record import Record
from syncd.postgres.columns import integer_column, text_column
from syncd.postgres.connection import connect
from syncd.postgres.failures import DRIVER_ERRORS, says_no, sentence
from syncd.postgres.queries import load_queries

_QUERIES = load_queries("syncd.log", "log.sql")

SERVER_TIMEOUT_S = limits.APPEND_TIMEOUT_S * 0.8
"""Postgres gives up before we do: its "no" is certain, while our own deadline leaves the outcome unknown."""

Groups = Mapping[int, Sequence[Record]]


class Appender:
    """Appends groups of records, one transaction and one round trip at a time, in the order of the calls.

    One connection is enough: appends to one partition wait for each other in Postgres anyhow, and callers gather what
    waits into the next group. It is opened on demand, and thrown away after an outcome that it left unknown.
    """

    def __init__(self, dsn: str, life: Life) -> None:
        self._dsn = dsn
        self._life = life
        # Held across the round trip, on purpose: it is what makes the connection one caller's at a time. Every wait
        # for it ends by the caller's deadline.
        self._turn = asyncio.Lock()
        self._connection: asyncpg.Connection[Any] | None = None
        self._append_one: PreparedStatement[Any]
        self._append_many: PreparedStatement[Any]
        self._closed = False

    async def append(self, groups: Groups) -> list[Appended]:
        """Append each partition's records; partitions ascending. As `EventLog.append`."""
        if self._closed:
            return _all_ended(groups, "refused", "the log is closed")
        deadline = asyncio.get_running_loop().time() + limits.APPEND_TIMEOUT_S
        sent = False
        try:
            async with asyncio.timeout_at(deadline), self._turn:
                await self._connect()
                sent = True
                starts = await self._send(groups)
        except DRIVER_ERRORS as error:
            outcome: Literal["refused", "unknown"] = "unknown" if sent and not says_no(error) else "refused"
            if outcome == "unknown":
                self._drop()
            return _all_ended(groups, outcome, sentence(error))
        except EpochChanged as error:
            return _all_ended(groups, "refused", str(error))
        except asyncio.CancelledError:
            if sent:
                self._drop()
            raise
        return [
            Appended(partition, "written", group, starts[partition])
            if partition in starts
            else Appended(partition, "refused", group, reason="the log lives another epoch now: open it anew")
            for partition, group in groups.items()
        ]

    async def _connect(self) -> None:
        if self._connection is not None and not self._connection.is_closed():
            return
        connection = await connect(self._dsn, name="syncd appending", statement_timeout_s=SERVER_TIMEOUT_S)
        try:
            await check_life(connection, self._life)
            await connection.execute(_QUERIES["durable_commits"])
            self._append_one = await connection.prepare(_QUERIES["append_one"])
            self._append_many = await connection.prepare(_QUERIES["append_many"])
            if self._closed:
                raise asyncpg.InterfaceError("the log was closed meanwhile")
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection

    async def _send(self, groups: Groups) -> dict[int, int]:
        """The first offset of each partition that took its records."""
        if len(groups) == 1:
            ((partition, group),) = groups.items()
            start = await self._append_one.fetchval(partition, self._life.marker, len(group), *_columns(group))
            return {} if start is None else {partition: start}
        sizes = [len(group) for group in groups.values()]
        rows = await self._append_many.fetch(
            list(groups),
            self._life.marker,
            sizes,
            list(accumulate(sizes[:-1], initial=1)),
            integer_column(chain.from_iterable(map(repeat, groups, sizes))),
            *_columns(chain.from_iterable(groups.values())),
        )
        return {row["partition"]: row["offset_start"] for row in rows}

    def close(self) -> None:
        """Cut the connection: an append under way ends as unknown, later ones are refused."""
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _all_ended(groups: Groups, outcome: Literal["refused", "unknown"], reason: str) -> list[Appended]:
    return [Appended(partition, outcome, group, reason=reason) for partition, group in groups.items()]


def _columns(records: Iterable[Record]) -> tuple[str, str, str, str, str, Sequence[bytes], str | None]:
    streams, writers, seqs, kinds, versions, bodies, traces = zip(*records, strict=True)
    return (
        text_column(streams), text_column(writers), integer_column(seqs), text_column(kinds), integer_column(versions),
        bodies, text_column(traces) if any(traces) else None,
    )  # fmt: skip

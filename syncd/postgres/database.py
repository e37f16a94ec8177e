"""A few connections that are shared, and speak in our errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import asyncpg

from syncd import limits
from syncd.errors import Unavailable
from syncd.postgres.connection import connect
from syncd.postgres.failures import DRIVER_ERRORS, is_bad_data, sentence

IDLE_CONNECTION_S = 300.0
"""Unused for so long, a connection is not trusted any more: firewalls forget it and tell nobody."""

ANSWER_TIMEOUT_S = limits.STATEMENT_TIMEOUT_S + 1.0
"""From asking for a connection to the last row. The server's own timeout comes first and says more."""

T = TypeVar("T")

if TYPE_CHECKING:  # the driver's own class takes no parameter when it runs
    Connection = asyncpg.Connection[asyncpg.Record]


@contextmanager
def failures_as(unavailable: type[Unavailable], what: str) -> Iterator[None]:
    """Turn the driver's errors into ours.

    Raises:
        ValueError: Postgres cannot take what it was given, as a NUL in text. Admission refuses such; this is a bug.
        `unavailable`: everything else; asking again may help. Notes for the operator go on with it.
    """
    try:
        yield
    except DRIVER_ERRORS as error:
        if is_bad_data(error):
            raise ValueError(f"{what}: Postgres cannot take what it was given: {type(error).__name__}") from error
        ours = unavailable(f"{what}: {sentence(error)}")
        for note in getattr(error, "__notes__", ()):
            ours.add_note(note)
        raise ours from error


class Database:
    """Runs statements, each a transaction of its own, at most `size` at once; the others wait.

    The driver's own pool costs three times the processor time of a short statement, most of it to undo what ours never
    do: change a setting, keep a cursor or a lock, LISTEN. Those who do have a connection of their own.

    Every method raises as `failures_as`, within `ANSWER_TIMEOUT_S`. When cancelled, a statement that writes may or may
    not have been committed.

    Attributes:
        statements: how many were run in this process, by all databases of it.
    """

    statements: ClassVar[int] = 0

    def __init__(
        self,
        dsn: str,
        *,
        size: int,
        unavailable: type[Unavailable],
        what: str,
        init: Callable[[Connection], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """As `open`, which also tries whether the database answers."""
        self._dsn = dsn
        self._unavailable = unavailable
        self._what = what
        self._init = init
        self._turns = asyncio.Semaphore(size)
        # The one used last is taken first. With it, when it was used.
        self._idle: list[tuple[Connection, float]] = []
        self._busy: set[Connection] = set()
        self._closed = False

    @classmethod
    async def open(
        cls,
        dsn: str,
        *,
        size: int,
        unavailable: type[Unavailable],
        what: str,
        init: Callable[[Connection], Coroutine[Any, Any, None]] | None = None,
    ) -> Database:
        """Open the first connection; more are opened when they are needed.

        Args:
            unavailable: the error that driver errors become.
            what: who speaks, the first word of its text.
            init: called once with each new connection; its errors leave by whoever needed the connection.
        """
        database = cls(dsn, size=size, unavailable=unavailable, what=what, init=init)
        await database.row("select")
        return database

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """All rows of a statement's result."""
        return await self._run(lambda connection: connection.fetch(query, *arguments))

    async def row(self, query: str, *arguments: object) -> asyncpg.Record | None:
        """The first row of a statement's result, None when there is none."""
        return await self._run(lambda connection: connection.fetchrow(query, *arguments))

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[Connection]:
        """A connection of one's own, for who keeps a lock or a transaction open. `name`: what an operator sees of it.

        The driver's errors leave as ours; the connection is cut at the end, and with it goes what it held.
        """
        with failures_as(self._unavailable, self._what):
            connection = await connect(self._dsn, name=name, answer_timeout_s=ANSWER_TIMEOUT_S)
        self._busy.add(connection)
        try:
            with failures_as(self._unavailable, self._what):
                yield connection
        finally:
            self._busy.discard(connection)
            connection.terminate()

    async def close(self) -> None:
        """Cut all connections; statements under way fail, and later ones. Twice is harmless."""
        self._closed = True
        for connection in [*self._busy, *(connection for connection, _ in self._idle)]:
            connection.terminate()
        self._idle.clear()

    async def _run(self, statement: Callable[[Connection], Awaitable[T]]) -> T:
        Database.statements += 1
        with failures_as(self._unavailable, self._what):
            async with asyncio.timeout(ANSWER_TIMEOUT_S), self._turns:
                connection = await self._take()
                self._busy.add(connection)
                try:
                    return await statement(connection)
                except asyncio.CancelledError:
                    # It may still be at work on this, and whoever uses it next would have to wait for that.
                    connection.terminate()
                    raise
                finally:
                    self._busy.discard(connection)
                    if not connection.is_closed():
                        self._idle.append((connection, asyncio.get_running_loop().time()))

    async def _take(self) -> Connection:
        """A connection that nobody else uses."""
        if self._closed:
            raise asyncpg.InterfaceError("closed")
        unused_since = asyncio.get_running_loop().time() - IDLE_CONNECTION_S
        while self._idle:
            connection, used = self._idle.pop()
            if used >= unused_since and not connection.is_closed():
                return connection
            connection.terminate()
        connection = await connect(self._dsn)
        try:
            if self._init is not None:
                await self._init(connection)
            if self._closed:
                raise asyncpg.InterfaceError("closed meanwhile")
        except BaseException:
            connection.terminate()
            raise
        return connection

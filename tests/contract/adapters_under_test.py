"""The adapters of a port, each as something that a test can open as often as it likes, and databases for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from syncd.testing.postgres import Version, create_database, drop_database


class Closable(Protocol):
    async def close(self) -> None: ...


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
C = TypeVar("C", bound=Closable)


class UnderTest(Protocol[T_co]):
    """One deployment of an adapter; each opening is what another process would see of it."""

    def open(self) -> AbstractAsyncContextManager[T_co]: ...


@dataclass(frozen=True)
class InMemory(Generic[T]):
    """In memory there is one process, so every opening is the same object, and nobody closes it."""

    adapter: T

    @asynccontextmanager
    async def open(self) -> AsyncIterator[T]:
        yield self.adapter


@dataclass(frozen=True)
class OnPostgres(Generic[C]):
    """On a database; `connect` is how the adapter opens it."""

    dsn: str
    connect: Callable[[str], Awaitable[C]]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[C]:
        adapter = await self.connect(self.dsn)
        try:
            yield adapter
        finally:
            await adapter.close()


@contextmanager
def databases(servers: Callable[[Version], str], versions: Iterable[Version]) -> Iterator[dict[Version, str]]:
    """A fresh database on each version; gone at the end."""
    found: dict[Version, str] = {}
    with ExitStack() as stack:
        for version in versions:
            admin_dsn = servers(version)
            found[version] = asyncio.run(create_database(admin_dsn))
            stack.callback(lambda *given: asyncio.run(drop_database(*given)), admin_dsn, found[version])
        yield found

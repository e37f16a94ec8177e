"""A way to Postgres that can be disturbed as networks are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit


class Tunnel:
    """A Unix socket before Postgres' own.

    Attributes:
        losing_answers: cut a connection when Postgres answers on it, before the answer gets through.
        swallowed: chunks that were not let through, from either side.
    """

    def __init__(self, dsn: str, target: Path) -> None:
        self.dsn = dsn
        self.losing_answers = False
        self.swallowed = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def dug(cls, dsn: str, folder: Path) -> AsyncIterator[Tunnel]:
        parts = urlsplit(dsn)
        (host,) = parse_qs(parts.query)["host"]
        tunnel = cls(urlunsplit(parts._replace(query=f"host={folder}")), Path(host) / ".s.PGSQL.5432")
        tunnel._server = await asyncio.start_unix_server(tunnel._serve, folder / ".s.PGSQL.5432")
        try:
            yield tunnel
        finally:
            await tunnel.close()

    def silence(self) -> None:
        """Let nothing through on the connections there are, and tell neither side; later ones work."""
        self._silent |= self._writers

    def cut(self) -> None:
        """End the connections there are, as a restarted Postgres does; later ones work."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self.cut()
            await asyncio.gather(*self._serving)
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        from_postgres, to_postgres = await asyncio.open_unix_connection(self._target)
        self._writers |= {to_client, to_postgres}
        try:
            await asyncio.gather(
                self._pump(from_client, to_postgres, to_client),
                self._pump(from_postgres, to_client, to_postgres, answers=True),
            )
        except ConnectionError:
            pass
        finally:
            for writer in (to_client, to_postgres):
                writer.transport.abort()
                self._writers.discard(writer)

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, back: asyncio.StreamWriter, *,
        answers: bool = False,
    ) -> None:  # fmt: skip
        while chunk := await source.read(65_536):
            if answers and self.losing_answers:
                break
            if target in self._silent:
                self.swallowed += 1
                continue
            target.write(chunk)
            await target.drain()
        # Either side's end is the other's; what Postgres was asked it still does.
        target.transport.abort()
        back.close()

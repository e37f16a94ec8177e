"""A bad network between a device and a server: it delays, cuts at any byte, holds back, and is away.

    async with LossyProxy(server.ws_url, seed=7) as network:
        device = Device(network.url, token)
        network.faults = Faults(delay_ms_max=30, cut_bytes_mean=20_000)
        network.cut()

It works on bytes and knows nothing of what they mean, so a cut may fall into a frame, into a handshake, or between an
event and its ack. Doubles are made by devices that send again. What is drawn follows from the seed and from the order
of the connections; when bytes arrive does not.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit, urlunsplit

PIECE_BYTES_MAX: Final = 4_096
"""Read at once, and the most that waits in here for one direction beside the kernel's buffers."""
CONNECT_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Faults:
    """How bad the network is, from now on.

    Attributes:
        delay_ms_max: each piece waits up to so long; those of one direction stay in order.
        cut_bytes_mean: a connection breaks after about so many bytes, both directions together; None never.
        shreds: whether pieces are cut into smaller ones.
    """

    delay_ms_max: int = 0
    cut_bytes_mean: int | None = None
    shreds: bool = False


class LossyProxy:
    """See the module's first lines.

    Attributes:
        url: what to connect to instead of the server.
        faults: may be changed at any time; `cut_bytes_mean` counts for connections made later.
        cuts: connections broken so far.
    """

    def __init__(self, server_url: str, *, seed: int, faults: Faults = Faults()) -> None:
        parts = urlsplit(server_url)
        assert parts.hostname is not None, server_url
        assert parts.port is not None, server_url
        self.url = ""
        self.faults = faults
        self.cuts = 0
        self._parts = parts
        self._host, self._port = parts.hostname, parts.port
        self._rng = random.Random(seed)
        self._is_away = False
        self._hears = asyncio.Event()
        self._hears.set()
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, limit=PIECE_BYTES_MAX)
        port = self._server.sockets[0].getsockname()[1]
        self.url = urlunsplit(self._parts._replace(netloc=f"127.0.0.1:{port}"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        tasks = [connection.task for connection in self._connections if connection.task is not None]
        self.cut()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def connections(self) -> int:
        """How many stand now."""
        return len(self._connections)

    def cut(self) -> None:
        """Break all connections that stand, without a goodbye."""
        for connection in list(self._connections):
            connection.cut()

    def go_away(self) -> None:
        """Break all connections, and take no new ones until `come_back`."""
        self._is_away = True
        self.cut()

    def come_back(self) -> None:
        """Take connections again."""
        self._is_away = False

    def hold_back(self) -> None:
        """Let nothing more of what the server says through; what is said to it arrives. A cut now loses acks."""
        self._hears.clear()

    def let_through(self) -> None:
        """End that; what was held back arrives now."""
        self._hears.set()

    def mend(self) -> None:
        """Be a good network from now on."""
        self.faults = Faults()
        self.come_back()
        self.let_through()

    # --- inside ---

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rng = random.Random(self._rng.random())
        connection = _Connection(self, reader, writer, rng)
        if self._is_away:
            connection.cut()
            return
        connection.task = asyncio.current_task()
        self._connections.add(connection)
        try:
            await connection.run(self._host, self._port)
        finally:
            self._connections.discard(connection)
            connection.cut()


class _Connection:
    """One connection of a device, and the one to the server that it stands for."""

    def __init__(
        self, proxy: LossyProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rng: random.Random
    ) -> None:
        self.task: asyncio.Task[None] | None = None
        self._proxy = proxy
        self._device = reader, writer
        self._writers = [writer]
        self._rng = rng
        mean = proxy.faults.cut_bytes_mean
        self._bytes_left = float("inf") if mean is None else rng.expovariate(1 / mean)

    async def run(self, host: str, port: int) -> None:
        """Carry bytes both ways until one side ends or the connection is cut."""
        reader, writer = self._device
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                server_reader, server_writer = await asyncio.open_connection(host, port, limit=PIECE_BYTES_MAX)
            self._writers.append(server_writer)
            up = asyncio.create_task(self._carry(reader, server_writer, hears=None))
            down = asyncio.create_task(self._carry(server_reader, writer, hears=self._proxy._hears))
            try:
                await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (up, down):
                    task.cancel()
                await asyncio.gather(up, down, return_exceptions=True)

    def cut(self) -> None:
        """Break it at whatever byte it stands."""
        if not self._writers[0].transport.is_closing():
            self._proxy.cuts += 1
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, hears: asyncio.Event | None
    ) -> None:
        while piece := await reader.read(PIECE_BYTES_MAX):
            for part in self._shredded(piece):
                faults = self._proxy.faults
                if faults.delay_ms_max:
                    await asyncio.sleep(self._rng.uniform(0, faults.delay_ms_max) / 1_000)
                if hears is not None:
                    await hears.wait()
                passing = part[: int(min(len(part), self._bytes_left))]
                self._bytes_left -= len(part)
                writer.write(passing)
                await writer.drain()
                if self._bytes_left <= 0:
                    return
        if writer.can_write_eof():
            writer.write_eof()

    def _shredded(self, piece: bytes) -> list[bytes]:
        if not self._proxy.faults.shreds or len(piece) < 2:
            return [piece]
        places = sorted({0, len(piece), *(self._rng.randrange(len(piece)) for _ in range(3))})
        return [piece[start:stop] for start, stop in zip(places, places[1:], strict=False)]

"""The bad network does what it says, and a good one changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from syncd.testing.lossy_proxy import Faults, LossyProxy

DEADLINE_S = 60.0
TEXT = bytes(range(256)) * 400


@asynccontextmanager
async def echoing() -> AsyncIterator[str]:
    """The address of a server that says everything again."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(1_000):
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/sync"


@asynccontextmanager
async def said(proxy: LossyProxy, text: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which a text was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(proxy.url).port)
    try:
        writer.write(text)
        yield reader, writer
    finally:
        writer.transport.abort()


async def heard(reader: asyncio.StreamReader) -> bytes:
    """Everything until the connection breaks."""
    found = b""
    try:
        while piece := await reader.read(10_000):
            found += piece
    except ConnectionError:
        pass
    return found


@pytest.mark.parametrize("faults", [Faults(), Faults(delay_ms_max=1, shreds=True)])
def test_bytes_arrive_whole_and_in_order(faults: Faults) -> None:
    async def story() -> None:
        async with asyncio.timeout(DEADLINE_S), echoing() as url, LossyProxy(url, seed=1, faults=faults) as proxy:
            assert proxy.url.endswith("/v1/sync")
            async with said(proxy, TEXT) as (reader, _):
                assert await reader.readexactly(len(TEXT)) == TEXT
                assert proxy.connections == 1

    asyncio.run(story())


def test_connections_break_after_about_as_many_bytes_as_one_said() -> None:
    async def story() -> None:
        faults = Faults(cut_bytes_mean=20_000)
        lengths = []
        async with asyncio.timeout(DEADLINE_S), echoing() as url, LossyProxy(url, seed=7, faults=faults) as proxy:
            for _ in range(20):
                async with said(proxy, b"") as (reader, writer):
                    length = 0
                    while await repeated(TEXT[:999], reader, writer):
                        length += 2 * 999
                    lengths.append(length)
            assert proxy.cuts == 20
        assert len(set(lengths)) > 10, f"not always at the same byte: {lengths}"
        assert 10_000 < sum(lengths) / 20 < 40_000

    asyncio.run(story())


def test_what_is_held_back_arrives_later_or_is_lost_by_a_cut() -> None:
    async def story() -> None:
        async with asyncio.timeout(DEADLINE_S), echoing() as url, LossyProxy(url, seed=1) as proxy:
            proxy.hold_back()
            async with said(proxy, b"kept") as (reader, writer):
                assert not await arrives(reader)
                proxy.let_through()
                assert await reader.readexactly(4) == b"kept"
                proxy.hold_back()
                writer.write(b"lost")
                assert not await arrives(reader)
                proxy.cut()
                proxy.let_through()
                assert await heard(reader) == b""

    asyncio.run(story())


def test_nobody_connects_while_it_is_away() -> None:
    async def story() -> None:
        async with asyncio.timeout(DEADLINE_S), echoing() as url, LossyProxy(url, seed=1) as proxy:
            async with said(proxy, b"x") as (reader, _):
                assert await reader.readexactly(1) == b"x"
                proxy.go_away()
                assert await heard(reader) == b""
            async with said(proxy, b"y") as (reader, _):
                assert await heard(reader) == b""
            proxy.come_back()
            async with said(proxy, b"z") as (reader, _):
                assert await reader.readexactly(1) == b"z"

    asyncio.run(story())


async def arrives(reader: asyncio.StreamReader) -> bool:
    """Whether anything comes within a moment."""
    try:
        async with asyncio.timeout(0.05):
            await reader.readexactly(1)
    except TimeoutError:
        return False
    return True


async def repeated(text: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Say something, and hear it again; False when the connection broke over it."""
    try:
        writer.write(text)
        return await reader.readexactly(len(text)) == text
    except (ConnectionError, asyncio.IncompleteReadError):
        return False

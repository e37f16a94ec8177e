"""The HTTP server on real sockets: who may hold a connection, for how long, and how it stops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from syncd.api import guarded_http, server
from syncd.api.guarded_http import _Phase
from syncd.api.server import serve_http
from syncd.api.sockets import bind
from syncd.errors import ConfigError
from syncd.limits import HTTP_HEAD_BYTES_MAX

DEADLINE_S = 60.0
BIG = b"x" * (32 * 1024 * 1024)


class Served:
    """A server with a path that waits, one that answers much, and one that answers at once."""

    def __init__(self) -> None:
        self.port = 0
        self.stop = asyncio.Event()
        self.waiting = asyncio.Event()
        self.release = asyncio.Event()
        self.task: asyncio.Task[None]
        self.app = Starlette(
            routes=[Route("/", self._at_once), Route("/wait", self._wait), Route("/big", self._big)],
        )

    async def _at_once(self, request: Request) -> Response:
        return PlainTextResponse("here")

    async def _wait(self, request: Request) -> Response:
        self.waiting.set()
        await self.release.wait()
        return PlainTextResponse("at last")

    async def _big(self, request: Request) -> Response:
        return Response(BIG)

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that reads as little as the kernel allows."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        return await asyncio.open_connection(sock=sock, limit=2**16)

    async def ask(self, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await self.open()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return reader, writer


@asynccontextmanager
async def serving(host: str = "127.0.0.1") -> AsyncIterator[Served]:
    served = Served()
    bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    served.task = asyncio.create_task(
        serve_http(served.app, host=host, port=0, setting="SYNCD_PORT", stop=served.stop, on_bound=bound.set_result)
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            served.port = await bound
            yield served
            served.stop.set()
            await served.task
    finally:
        served.task.cancel()
        await asyncio.gather(served.task, return_exceptions=True)


def run(test: Callable[[], Coroutine[Any, Any, object]]) -> None:
    asyncio.run(test())


async def until_cut(reader: asyncio.StreamReader) -> bytes:
    """Everything until the peer closes or aborts."""
    told = b""
    with suppress(ConnectionError):
        while chunk := await reader.read(2**16):
            told += chunk
    return told


def test_it_serves_on_a_free_port_and_lets_go_of_it() -> None:
    async def test() -> None:
        async with serving() as served:
            reader, writer = await served.ask("/")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", served.port)

    run(test)


def test_a_connection_serves_several_requests_also_sent_at_once() -> None:
    async def test() -> None:
        async with serving() as served:
            reader, writer = await served.open()
            for _ in range(2):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
                for _ in range(3):
                    await reader.readuntil(b"here")
            writer.close()

    run(test)


def test_localhost_is_both_of_its_addresses() -> None:
    async def test() -> None:
        addresses = {info[4][0] for info in socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)}
        sockets = await bind("localhost", 0, setting="SYNCD_PORT")
        try:
            assert {sock.getsockname()[0] for sock in sockets} <= addresses
            assert len({sock.getsockname()[1] for sock in sockets}) == 1
        finally:
            for sock in sockets:
                sock.close()

    run(test)


def test_a_port_that_is_taken_is_named_with_its_setting() -> None:
    async def test() -> None:
        async with serving() as served:
            with pytest.raises(ConfigError, match=rf"port {served.port} on 127\.0\.0\.1 is taken .* SYNCD_PORT"):
                await serve_http(
                    served.app, host="127.0.0.1", port=served.port, setting="SYNCD_PORT", stop=asyncio.Event(),
                    on_bound=lambda port: None,
                )  # fmt: skip

    run(test)


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_a_host_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(ConfigError, match=f"SYNCD_HOST '{host}' is no address of this machine"):
        run(lambda: bind(host, 0, setting="SYNCD_PORT"))


def test_a_request_under_way_is_answered_before_the_server_stops() -> None:
    async def test() -> None:
        async with serving() as served:
            reader, writer = await served.ask("/wait")
            await served.waiting.wait()
            served.stop.set()
            served.release.set()
            assert (await until_cut(reader)).endswith(b"at last")
            writer.close()

    run(test)


def test_a_request_that_never_ends_is_cut_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HTTP_STOP_TIMEOUT_S", 1)

    async def test() -> None:
        async with serving() as served:
            reader, writer = await served.ask("/wait")
            await served.waiting.wait()
            served.stop.set()
            assert b"at last" not in await until_cut(reader)
            writer.close()

    run(test)


def test_a_server_that_is_cancelled_leaves_nothing_open() -> None:
    async def test() -> None:
        async with serving() as served:
            reader, writer = await served.ask("/wait")
            await served.waiting.wait()
            served.task.cancel()
            await asyncio.gather(served.task, return_exceptions=True)
            await until_cut(reader)
            writer.close()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", served.port)
            served.task = asyncio.create_task(asyncio.sleep(0))

    run(test)


Hurry = Callable[[str, float], None]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Hurry:
    """Shortens one phase of a connection."""

    def shorten(phase: str, seconds: float) -> None:
        monkeypatch.setitem(guarded_http._SECONDS, _Phase[phase], seconds)

    return shorten


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r\n\r\n"])
def test_half_a_head_is_not_waited_for(hurried: Hurry, begun: bytes) -> None:
    hurried("HEAD", 0.2)

    async def test() -> None:
        async with serving() as served:
            reader, writer = await served.open()
            writer.write(begun)
            assert await until_cut(reader) == b""
            writer.close()

    run(test)


def test_dripping_bytes_does_not_prolong_a_head(hurried: Hurry) -> None:
    hurried("HEAD", 0.3)

    async def test() -> None:
        async with serving() as served:
            reader, writer = await served.open()
            cut = asyncio.create_task(until_cut(reader))
            while not cut.done():
                writer.write(b"\r\n")
                await asyncio.sleep(0.02)
            writer.close()

    run(test)


def test_the_head_of_a_second_request_has_a_deadline_too(hurried: Hurry) -> None:
    async def test() -> None:
        async with serving() as served:
            reader, writer = await served.ask("/")
            await reader.readuntil(b"here")
            hurried("HEAD", 0.3)
            writer.write(b"GET / HTTP/1.1\r\nHost:")
            assert await until_cut(reader) == b""
            writer.close()

    run(test)


def test_a_head_without_end_is_refused() -> None:
    async def test() -> None:
        async with serving() as served:
            reader, writer = await served.open()
            writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * (HTTP_HEAD_BYTES_MAX + 1))
            told = await until_cut(reader)
            assert told.startswith(b"HTTP/1.1 431")
            assert str(HTTP_HEAD_BYTES_MAX).encode() in told
            writer.close()

    run(test)


def test_a_peer_that_does_not_read_is_cut_and_others_notice_nothing(hurried: Hurry) -> None:
    hurried("IDLE", 0.5)

    async def test() -> None:
        async with serving() as served:
            slow, slow_writer = await served.ask("/big")
            reader, writer = await served.ask("/")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()
            await slow.readline()
            await asyncio.sleep(1.0)  # twice its patience; from here nothing is to be seen before we read on
            assert len(await until_cut(slow)) < len(BIG)
            slow_writer.close()

    run(test)


def test_what_is_no_http_is_refused_and_closed() -> None:
    async def test() -> None:
        async with serving() as served:
            reader, writer = await served.open()
            writer.write(b"\x16\x03\x01 hello there\r\n\r\n")
            assert (await until_cut(reader)).startswith(b"HTTP/1.1 400")
            writer.close()

    run(test)


def test_a_websocket_handshake_gets_no_socket_here() -> None:
    async def test() -> None:
        async with serving() as served:
            reader, writer = await served.open()
            writer.write(
                b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            assert not (await reader.readline()).startswith(b"HTTP/1.1 101")
            writer.close()

    run(test)

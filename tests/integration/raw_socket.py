"""A TCP connection to the gateway that speaks websocket by hand, so that it can speak it badly.

Source of the frame's form: RFC 6455 section 5.2.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

CONTINUATION, TEXT, BINARY, CLOSE = 0x0, 0x1, 0x2, 0x8
DEADLINE_S = 60.0
HEADERS = {
    "Host": "127.0.0.1:8081",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": "13",
}


def request(target: str, headers: Mapping[str, str]) -> bytes:
    """A handshake; `headers` replace those that are right. Characters stand for bytes (Latin-1)."""
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in {**HEADERS, **headers}.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def masked(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A client's frame. The mask is zero, which leaves the payload as it is."""
    first = (0x80 if fin else 0) | opcode
    if len(payload) < 126:
        return bytes((first, 0x80 | len(payload))) + bytes(4) + payload
    if len(payload) < 65_536:
        return bytes((first, 0x80 | 126)) + len(payload).to_bytes(2, "big") + bytes(4) + payload
    return bytes((first, 0x80 | 127)) + len(payload).to_bytes(8, "big") + bytes(4) + payload


class RawSocket:
    """See the module.

    Args:
        receive_bytes: the kernel's receive buffer; small to be a reader that is soon full.
    """

    def __init__(self, url: str, *, receive_bytes: int | None = None) -> None:
        self._address = urlsplit(url)
        self._receive_bytes = receive_bytes
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether sending has failed, or the server has said goodbye."""
        return self._ended or self._reader.at_eof()

    async def __aenter__(self) -> Self:
        sock = socket.socket()
        if self._receive_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_bytes)
        sock.setblocking(False)
        assert self._address.port is not None
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._address.port))
        self._reader, self._writer = await asyncio.open_connection(sock=sock, limit=4_096)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def send(self, data: bytes) -> None:
        """Bytes as they are; notes when the server does not take them any more."""
        try:
            self._writer.write(data)
            async with asyncio.timeout(DEADLINE_S):
                await self._writer.drain()
        except ConnectionError:
            self._ended = True

    async def frame(self, opcode: int, payload: bytes, *, fin: bool = True) -> None:
        """One frame."""
        await self.send(masked(opcode, payload, fin=fin))

    async def frames(self, opcode: int, payload: bytes, *, count: int, fin: bool) -> None:
        """The same frame many times."""
        await self.send(masked(opcode, payload, fin=fin) * count)

    async def handshake(self, target: str = "/v1/sync", headers: Mapping[str, str] | None = None) -> bytes:
        """Ask for a websocket; the answer's head, and its body when it is no."""
        await self.send(request(target, headers or {}))
        async with asyncio.timeout(DEADLINE_S):
            head = await self._reader.readuntil(b"\r\n\r\n")
            return head if b" 101 " in head else head + await self._reader.read()

    async def hello(self, token: str) -> None:
        """Say hello, and read no answer."""
        hello = {"type": "hello", "token": token, "nonce": "raw", "client": "raw", "now_ms": 0,
                 "streams": [{"stream": "a:me"}]}  # fmt: skip
        await self.frame(TEXT, json.dumps(hello).encode())

    async def until(self, text: bytes) -> bytes:
        """Everything up to these bytes, which come within a few KiB."""
        async with asyncio.timeout(DEADLINE_S):
            return await self._reader.readuntil(text)

    async def rest(self) -> bytes:
        """Everything until the server ends the connection."""
        async with asyncio.timeout(DEADLINE_S):
            return await self._reader.read()

    async def close_code(self) -> int:
        """The code of the close frame that the server sent; what came before it is passed over."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                first, length = await self._reader.readexactly(2)
                if length == 126:
                    length = int.from_bytes(await self._reader.readexactly(2), "big")
                elif length == 127:
                    length = int.from_bytes(await self._reader.readexactly(8), "big")
                payload = await self._reader.readexactly(length)
                if first & 0x0F == CLOSE:
                    return int.from_bytes(payload[:2], "big")

    async def was_aborted(self) -> bool:
        """Whether the connection ended without a close frame, after all that the kernel still held."""
        heard = b""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while chunk := await self._reader.read(65_536):
                    heard = (heard + chunk)[-8:]
        except ConnectionError:
            return True
        return masked(CLOSE, b"")[:1] not in heard[-4:]

"""The client's side of RFC 6455 in as little work as it takes, so that the generator is not what is measured.

It trusts its servers: they run on this machine for the length of a run. What it cannot read ends the run.
"""

from __future__ import annotations

import asyncio
import base64
import os
import time
from typing import cast

_FINAL_TEXT = 0x81
_FINAL_BINARY = 0x82
_MESSAGES = (_FINAL_TEXT, _FINAL_BINARY)
_CLOSE = 0x88
_PING = 0x89
_PONG = 0x8A
_NO_MASK = bytes(4)
"""Clients must mask; a mask of zeros leaves the bytes as they are, and the server has the same work."""


class ProtocolBroken(Exception):
    """The server sent what this client does not read."""


def client_frame(payload: bytes, opcode: int = _FINAL_TEXT) -> bytes:
    """A whole masked message."""
    length = len(payload)
    if length < 126:
        return bytes((opcode, 0x80 | length)) + _NO_MASK + payload
    if length < 65536:
        return bytes((opcode, 0xFE, length >> 8, length & 255)) + _NO_MASK + payload
    return bytes((opcode, 0xFF)) + length.to_bytes(8, "big") + _NO_MASK + payload


def binary_frame(payload: bytes) -> bytes:
    """A whole masked message in a binary frame."""
    return client_frame(payload, _FINAL_BINARY)


class WebSocket(asyncio.Protocol):
    """One connection. Subclasses read messages and say when they are ready."""

    transport: asyncio.Transport

    def __init__(self, *, path: str, subprotocol: str | None = None) -> None:
        self.ready: asyncio.Future[None]
        self._path = path
        self._subprotocol = subprotocol
        self._rest = b""
        self._is_open = False
        self.is_closing = False

    async def connect(self, host: str, port: int) -> None:
        """Connect, again if need be; returns when the subclass is ready. Raises `ConnectionError`."""
        loop = asyncio.get_running_loop()
        self.ready = loop.create_future()
        self._rest, self._is_open, self.is_closing = b"", False, False
        await loop.create_connection(lambda: self, host, port)
        await self.ready

    def opened(self) -> None:
        """The handshake is done."""

    def message(self, payload: bytes, now_ns: int) -> None:
        """One message came."""
        raise NotImplementedError

    def lost(self, why: str) -> None:
        """The connection ended, and not by `close`."""

    def received(self, count: int) -> None:
        """So many bytes came."""

    def close(self) -> None:
        """Leave at once; a server that is measured no more need not be told."""
        self.is_closing = True
        self.transport.abort()

    # --- asyncio's side ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        protocol = f"Sec-WebSocket-Protocol: {self._subprotocol}\r\n" if self._subprotocol else ""
        self.transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{protocol}\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now_ns = time.perf_counter_ns()
        self.received(len(data))
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        if not self._is_open:
            at = self._handshake(data)
        while end - at >= 2 and self._is_open:
            length = data[at + 1]
            start = at + 2
            if length == 126:
                start = at + 4
                length = int.from_bytes(data[at + 2 : start], "big")
            elif length == 127:
                start = at + 10
                length = int.from_bytes(data[at + 2 : start], "big")
            stop = start + length
            if stop > end or start > end:
                break
            opcode = data[at]
            if opcode in _MESSAGES:
                self.message(data[start:stop], now_ns)
            else:
                self._control(opcode, data[start:stop])
            at = stop
        self._rest = data[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_closing:
            self._fail(f"the server closed the connection: {exc or 'end of stream'}")

    # --- inside ---

    def _handshake(self, data: bytes) -> int:
        """Where frames begin, or 0 while the answer's head is not whole."""
        head = data.find(b"\r\n\r\n")
        if head < 0:
            return 0
        if not data.startswith(b"HTTP/1.1 101"):
            self._fail(f"no websocket: {data[:200].decode(errors='replace')}")
            return len(data)
        self._is_open = True
        self.opened()
        return head + 4

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self.transport.write(client_frame(payload, _PONG))
        elif opcode == _CLOSE:
            code = int.from_bytes(payload[:2], "big")
            self._fail(f"the server closes: {code} {payload[2:].decode(errors='replace')}")
        elif opcode != _PONG:
            raise ProtocolBroken(f"a frame begins with 0x{opcode:02x}; this client reads whole messages only")

    def _fail(self, why: str) -> None:
        if self.is_closing:
            return
        self.is_closing = True
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(why))
        else:
            self.lost(why)
        self.transport.abort()

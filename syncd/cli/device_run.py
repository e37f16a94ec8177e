"""`syncd device`, without a subcommand: a device that a script drives.

Reads one event a line on stdin, as JSON: `{"kind": "library.changed", "data": {"set": "tracks", "ids": ["t1"], "value":
true}}`, with `"stream": "p:…"` for a playlist and `"valid_ms"` for what may expire. Prints every message of the server
on stdout, one a line, as JSON, exactly as it came. Ends when stdin does and every event has its answer.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from syncd.cli import output
from syncd.client import Device, Refusal
from syncd.client.connector import DeviceState
from syncd.client.link import Link
from syncd.client.websocket_link import connect_websocket
from syncd.errors import ProtocolError, Refused
from syncd.limits import EVENT_BYTES_MAX
from syncd.protocol.client_session import OWN_STREAM
from syncd.protocol.codec import Codec

LINES_WAITING_MAX: Final = 1_000
"""Lines read ahead of the device; then whoever writes to our stdin has to wait."""
LINE_BYTES_MAX: Final = 4 * EVENT_BYTES_MAX
"""Of one event as somebody may write it, with spaces and escapes."""
READ_BYTES: Final = 65_536
ENDED: Final = None
"""What stands in the queue of lines for the end of stdin."""

_Lines = asyncio.Queue["bytes | None"]


class EventLine(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of stdin."""

    kind: str
    data: Any
    stream: str = OWN_STREAM
    valid_ms: int | None = None


_decode_line = msgspec.json.Decoder(EventLine).decode


def run_device(
    *,
    url: str,
    token: str,
    store: Path | None,
    format: Literal["json", "msgpack"],
    follow: bool,
    timeout_s: float,
) -> None:
    """Be a device until stdin ends and everything is answered.

    Args:
        store: a file that keeps the device's state and what it has not sent yet; None forgets both.
        follow: stay after that, until Ctrl-C.
        timeout_s: how long to wait for the last answers.

    Raises:
        Refused: some lines were no events, or were refused; each was told on stderr when it happened.
        NotReady, NotSettled: no connection, or no answers, in time; a `store` keeps the events.
        LoginExpired, ProtocolError: the server does not take this device.
    """
    asyncio.run(_Run(follow=follow, timeout_s=timeout_s).main(url=url, token=token, store=store, format=format))


class _Run:
    def __init__(self, *, follow: bool, timeout_s: float) -> None:
        self._follow = follow
        self._timeout_s = timeout_s
        self._refused = 0
        self._reader_gone = False

    async def main(self, *, url: str, token: str, store: Path | None, format: Literal["json", "msgpack"]) -> None:
        """See `run_device`."""
        loop = asyncio.get_running_loop()
        stopped = loop.create_task(self._device(url, token, store, format))
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.cancel)
        try:
            await stopped
        except asyncio.CancelledError:
            # Asked to stop: the device is closed by now, and what it owes is in its store.
            raise KeyboardInterrupt from None

    async def _device(self, url: str, token: str, store: Path | None, format: Literal["json", "msgpack"]) -> None:
        path = None if store is None else str(store)
        device = Device(url, token, store=path, format=format, connect=self._connect, client="syncd-device")
        async with device:
            device.on_refused(self._tell_refusal)
            working = asyncio.create_task(self._work(device))
            hopeless = asyncio.create_task(self._hopeless(device))
            try:
                await asyncio.wait((working, hopeless), return_when=asyncio.FIRST_COMPLETED)
                await (hopeless if hopeless.done() else working)
            finally:
                working.cancel()
                hopeless.cancel()
        if self._refused:
            raise Refused(f"{self._refused} of the events were refused; what they were is told above")

    async def _work(self, device: Device) -> None:
        lines: _Lines = asyncio.Queue(LINES_WAITING_MAX)
        reader = threading.Thread(target=_read_lines, args=(lines, asyncio.get_running_loop()), daemon=True)
        reader.start()
        number = 0
        while (line := await lines.get()) is not ENDED:
            number += 1
            if line.strip():
                self._emit(device, line, number)
        if self._follow:
            await asyncio.Event().wait()
        await device.ready(timeout_s=self._timeout_s)
        await device.settled(timeout_s=self._timeout_s)

    def _emit(self, device: Device, line: bytes, number: int) -> None:
        try:
            event = _decode_line(line)
            device.emit(event.kind, event.data, stream=event.stream, valid_ms=event.valid_ms)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._refuse(f"line {number} is no event: {error}")
        except Refused as error:
            self._refuse(f"line {number}: {error}")

    def _tell_refusal(self, refusal: Refusal) -> None:
        if not refusal.reissued:
            self._refuse(f"{refusal.kind} was refused as {refusal.reason}: {refusal.message}")

    def _refuse(self, text: str) -> None:
        self._refused += 1
        output.note(f"syncd: {text}")

    async def _hopeless(self, device: Device) -> None:
        """Ends, with the reason, when the server does not take this device; or when nobody reads our output."""
        hopeless = (DeviceState.LOGIN_NEEDED, DeviceState.STOPPED)
        await device.until(lambda: self._reader_gone or device.state in hopeless, timeout_s=None)
        if self._reader_gone:
            raise output.ReaderGone
        raise device.error or ProtocolError("the server does not take this device")

    async def _connect(self, url: str, codec: Codec) -> Link:
        return _PrintingLink(await connect_websocket(url, codec), codec, self)

    def show(self, message: bytes) -> None:
        """One message of the server, to stdout, at once."""
        try:
            output.result(message.decode())
            output.flush()
        except output.ReaderGone:
            self._reader_gone = True


class _PrintingLink:
    """A link that prints what comes in."""

    def __init__(self, link: Link, codec: Codec, run: _Run) -> None:
        self._link = link
        self._codec = codec
        self._run = run

    async def send(self, payload: bytes) -> None:
        await self._link.send(payload)

    async def receive(self) -> bytes:
        payload = await self._link.receive()
        message = payload if self._codec.text else msgspec.json.encode(msgspec.msgpack.decode(payload))
        self._run.show(message)
        return payload

    async def close(self) -> None:
        await self._link.close()


def _read_lines(lines: _Lines, loop: asyncio.AbstractEventLoop) -> None:
    """Hand stdin over, line by line. A thread of its own: stdin may be a file, a pipe or a terminal."""
    try:
        for line in _lines_of(sys.stdin.fileno()):
            asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
        asyncio.run_coroutine_threadsafe(lines.put(ENDED), loop).result()
    except (RuntimeError, asyncio.CancelledError):
        return  # the device has ended before its input; nobody wants the rest


def _lines_of(file: int) -> Iterator[bytes]:
    """The lines of a file descriptor, without their ends. One that is too long comes out cut, and is no event.

    Not `sys.stdin`: a thread that waits in its buffer makes the interpreter abort when the program ends before it.
    """
    begun = b""
    while chunk := os.read(file, READ_BYTES):
        *whole, begun = (begun + chunk).split(b"\n")
        yield from whole
        begun = begun[:LINE_BYTES_MAX]
    if begun:
        yield begun

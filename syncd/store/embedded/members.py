"""The processes that use Postgres now, each shown by an open connection to the supervisor."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable


class Members:
    """Who has joined, who waits to be told that Postgres is ready, and since when nobody has been there.

    A member says nothing: its connection's end is all there is to hear, and the kernel tells us of it also when the
    member was killed. It is told JSON lines, `{"progress": …}` any number of times, then `{"ready": {…}}` or
    `{"error": …}`; after that nothing. The lines are short and few, so they always fit into a socket's buffer.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._joined: set[socket.socket] = set()
        self._waiting: set[socket.socket] = set()
        # The last one to leave may still be listening for our end, to know that Postgres has stopped.
        self._parting: socket.socket | None = None
        self._answer: bytes | None = None
        self._progress = b""
        self.deserted_since = time.monotonic()

    def __len__(self) -> int:
        return len(self._joined)

    def admit(self, connection: socket.socket) -> None:
        """Count a connection as a member until it ends."""
        connection.setblocking(False)
        self._dismiss_parting()
        self._joined.add(connection)
        self._waiting.add(connection)
        asyncio.get_running_loop().add_reader(connection, self._hear, connection)
        self._send(connection, self._answer or self._progress)
        if self._answer:
            self._waiting.discard(connection)
        self._changed()

    def report(self, progress: str) -> None:
        """Tell those who wait, and those who come, what is going on."""
        self._answer = None
        self._progress = _line({"progress": progress})
        for connection in self._waiting:
            self._send(connection, self._progress)

    def answer(self, what: dict[str, object]) -> None:
        """Tell those who wait, and those who come, how it ended."""
        self._answer = _line(what)
        for connection in self._waiting:
            self._send(connection, self._answer)
        self._waiting.clear()

    def close(self) -> None:
        """End every connection; for those who left with us as the last, it says that Postgres has stopped."""
        self._dismiss_parting()
        for connection in self._joined:
            asyncio.get_running_loop().remove_reader(connection)
            connection.close()
        self._joined.clear()

    def _hear(self, connection: socket.socket) -> None:
        try:
            if connection.recv(4096):
                return  # nothing is expected; a later version may say something
        except BlockingIOError:
            return
        except OSError:
            pass  # reset: gone as well
        asyncio.get_running_loop().remove_reader(connection)
        self._joined.discard(connection)
        self._waiting.discard(connection)
        if self._joined:
            connection.close()
        else:
            self._parting = connection
            self.deserted_since = time.monotonic()
        self._changed()

    def _send(self, connection: socket.socket, line: bytes) -> None:
        # One who has gone is noticed by its connection's end.
        with contextlib.suppress(OSError):
            connection.sendall(line)

    def _dismiss_parting(self) -> None:
        if self._parting is not None:
            self._parting.close()
            self._parting = None


def _line(what: dict[str, object]) -> bytes:
    return json.dumps(what).encode() + b"\n"

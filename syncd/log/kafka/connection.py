"""aiokafka's connection, but one that nobody holds any more is closed.

aiokafka 0.14's client forgets connections that it did not close: one whose broker has said goodbye a moment before its
reading task takes notice (`_get_conn`), and the first one when a bootstrap is cancelled. Then its socket stays until
the garbage collector finds it and warns, and what was asked on it waits for the whole request timeout instead of
failing at once. The client, as our group has one, makes its connections by a function of its module, so that is what
is replaced here.
"""

from __future__ import annotations

from typing import Any

from aiokafka import client
from aiokafka.conn import AIOKafkaConnection


class Connection(AIOKafkaConnection):  # type: ignore[misc]  # aiokafka has no types
    """Closes itself when it goes."""

    def __del__(self) -> None:
        if self._reader is not None and not self._loop.is_closed():
            # Nobody is left to be told; as in aiokafka's own `__del__`, which looks away when the peer has ended.
            self._on_close_cb = None
            self.close()


async def connect(host: str, port: int, **options: Any) -> Connection:
    """A connection that is ready for requests, as aiokafka's `create_conn`."""
    connection = Connection(host, port, **options)
    await connection.connect()
    return connection


client.create_conn = connect

"""A device on asyncio: the whole SDK behind one `async with`."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from syncd.client.engine import Engine, Verified
from syncd.protocol.client_session import OWN_STREAM

TIMEOUT_S = 30.0
"""How long to wait when the caller does not say: longer than a restart of the server takes."""


class Device(Engine):
    """One device of one account.

        async with Device(url, token, store="phone.db") as device:
            await device.ready()
            await device.queue.add("track-1")
            await device.settled()

    Inside the block it keeps itself connected; actions and views work with and without a connection. What was done is
    in the store, and is sent by whoever opens that store next. Several processes may open one store: one of them holds
    the connection, the others act through it.
    """

    async def __aenter__(self) -> Self:
        self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect, and close the store. What is not answered stays in it. Twice is harmless."""
        await self._stop()

    async def ready(self, *, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until this device was in step with the server once since it was opened.

        Raises:
            NotReady: it was not, within `timeout_s`; or it will never be, and the text says why.
        """
        await self._ready(timeout_s)

    async def settled(self, *, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until every own event is answered.

        Raises:
            NotSettled: some are not, within `timeout_s`; they stay in the store.
        """
        await self._settled(timeout_s)

    async def until(self, condition: Callable[[], bool], *, timeout_s: float | None = TIMEOUT_S) -> None:
        """Wait until a condition on what this device shows holds; it is asked again after every change.

        Raises:
            TimeoutError: it did not, within `timeout_s`; None waits for ever.
        """
        await self._until(condition, timeout_s)

    async def verify(self, stream: str = OWN_STREAM, *, timeout_s: float = TIMEOUT_S) -> Verified:
        """Compare this device's cells of a stream with the server's, by their digests.

        Changes that are under way make digests differ for a moment, so it is tried again until they agree.

        Returns:
            The last comparison, also when the time is over and they do not agree.

        Raises:
            Unavailable: there was no comparison, because the server did not answer.
        """
        return await self._verify(stream, timeout_s)

"""A device for scripts and threads, without asyncio.

    from syncd.client.sync import Device

    with Device(url, token, store="script.db") as device:
        device.ready()
        device.queue.add("track-1")
        device.settled()

It is the same device, with an event loop in a thread of its own. Callbacks are called in that thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from syncd.client.device import TIMEOUT_S
from syncd.client.engine import Engine, Verified
from syncd.protocol.client_session import OWN_STREAM

T = TypeVar("T")


class Device(Engine):
    """One device of one account; see `syncd.client.Device`."""

    _thread: threading.Thread | None = None
    _its_loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        self._its_loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._its_loop.run_forever, name="syncd-device", daemon=True)
        self._thread.start()
        self._call(self._start_here())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect, and close the store. What is not answered stays in it. Twice is harmless."""
        if self._its_loop is None or self._thread is None:
            self._state.close()
            return
        self._call(self._stop())
        self._its_loop.call_soon_threadsafe(self._its_loop.stop)
        self._thread.join()
        self._its_loop.close()
        self._its_loop = self._thread = None

    def ready(self, *, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until this device was in step with the server once since it was opened. Raises `NotReady`."""
        self._call(self._ready(timeout_s))

    def settled(self, *, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until every own event is answered. Raises `NotSettled`; what is not answered stays in the store."""
        self._call(self._settled(timeout_s))

    def until(self, condition: Callable[[], bool], *, timeout_s: float | None = TIMEOUT_S) -> None:
        """Wait until a condition on what this device shows holds; it is asked in the device's thread.

        Raises:
            TimeoutError: it did not, within `timeout_s`; None waits for ever.
        """
        self._call(self._until(condition, timeout_s))

    def verify(self, stream: str = OWN_STREAM, *, timeout_s: float = TIMEOUT_S) -> Verified:
        """Compare this device's cells of a stream with the server's. Raises `Unavailable` when it did not answer."""
        return self._call(self._verify(stream, timeout_s))

    async def _start_here(self) -> None:
        self._start()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the device's loop, and wait for it; each has a deadline of its own."""
        if self._its_loop is None:
            work.close()
            raise RuntimeError("the device is not open; use it inside its `with` block")
        return asyncio.run_coroutine_threadsafe(work, self._its_loop).result()

"""Waiting for a condition, with a deadline: what a test does instead of sleeping.

    await until(lambda: device.owed == 0, "the device still owes events")
    await eventually(lambda: connection.fetchval("select count(*) = 2 from …"))

For what has no event to wait for: another process, a database, a broker, a page. What is not there at once is asked
for again every few ms.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE_S: Final = 60.0
"""For what should happen at once, or within a reconnection, on a slow machine that is busy with other tests. Only a
test that fails waits so long."""
POLL_S: Final = 0.01


async def eventually(
    what: Callable[[], Awaitable[T | None]], otherwise: str = "it did not come true", *, timeout_s: float = PATIENCE_S
) -> T:
    """Ask again until the answer is true; that answer.

    Raises:
        TimeoutError: it was not, or did not come, within `timeout_s`; the text is `otherwise` and the time.
    """
    try:
        async with asyncio.timeout(timeout_s):
            while not (found := await what()):  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        raise TimeoutError(f"{otherwise}, {timeout_s:g} s long") from error
    return found


async def until(
    condition: Callable[[], T | None], otherwise: str = "it did not come true", *, timeout_s: float = PATIENCE_S
) -> T:
    """The same for what can be asked without waiting."""

    async def asked() -> T | None:
        return condition()

    return await eventually(asked, otherwise, timeout_s=timeout_s)

"""Waiting until some partition of the log has more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from syncd.log.port import EventLog


async def any_beyond(log: EventLog, offsets: Mapping[int, int], *, timeout_s: float) -> None:
    """Return when some partition's end is beyond its offset, or after `timeout_s`.

    Raises:
        LogUnavailable: no answer.
    """
    waits = [
        asyncio.create_task(log.wait_beyond(partition, offset, timeout_s=timeout_s))
        for partition, offset in offsets.items()
    ]
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in done:
            wait.result()
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)

"""Letting the past go by again as it went, or some times faster."""

from __future__ import annotations

import asyncio
from typing import Final

PAUSE_S_MAX: Final = 5.0
"""The longest wait between two records: nobody wants to watch a night pass."""


class Pace:
    """Waits between records as long as lay between their times of admission, divided by `speed`.

    Args:
        speed: 1 is as it was; None waits for nothing.
    """

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._last_ms: int | None = None

    async def wait(self, admitted_ms: int | None) -> None:
        """Return when the record of this time is due; at once for the first, and for one without a time."""
        if self._speed is None or admitted_ms is None:
            return
        if self._last_ms is not None and admitted_ms > self._last_ms:
            await asyncio.sleep(min(PAUSE_S_MAX, (admitted_ms - self._last_ms) / 1_000 / self._speed))
        self._last_ms = max(admitted_ms, self._last_ms or 0)

"""Whether the log is still the one that was opened, asked by every process, also by one that has nothing to read."""

from __future__ import annotations

import asyncio

from syncd.clock import Clock
from syncd.errors import ConfigError, LogUnavailable
from syncd.log.port import EventLog
from syncd.logs import Seldom, get_logger

CHECK_S = 1.0
"""Between two looks; one small request to a broker."""

log = get_logger("bootstrap")


async def until_life_ends(event_log: EventLog, clock: Clock) -> None:
    """Return never.

    Raises:
        EpochChanged: the log is another one, or gone.
    """
    seldom = Seldom()
    while True:
        try:
            await event_log.check()
        except LogUnavailable:
            pass  # whoever needs the log meets it too, and says so
        except ConfigError as error:
            # What runs goes on rightly: it knows how the log was laid out. What is started next would be refused.
            if seldom.due("log_changed", now_s=clock.monotonic_s()):
                log.error("log_changed", error=str(error))
        await asyncio.sleep(CHECK_S)

"""Work that goes on while a test looks at something else.

async with beside(appender.run()):
    ...
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any


@asynccontextmanager
async def beside(*work: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Run these during the block, and cancel them at its end.

    Raises:
        Exception: what one of them failed with, once the block has ended: a test must not look at what a projector
            that died, or traffic that nobody made, left as it was.
        AssertionError: one of them ended before it was told to.
    """
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        ended = [task for task in tasks if not task.cancel()]
        await asyncio.wait(tasks)
        for task in tasks:
            with suppress(asyncio.CancelledError):
                task.result()
        assert not ended, f"ended before they were told to: {ended}"

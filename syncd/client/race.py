"""Several tasks of which the first to end ends the others.

A task group says "all of them"; and in Python 3.11 one whose child has failed leaves its parent looking cancelled, so
that a real cancellation in the same moment cannot be told from the failure. Here it always can.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def until_first_ends(*works: Coroutine[Any, Any, None]) -> None:
    """Run all of them until one ends, cancel the others, and wait until they have ended too.

    Raises:
        What the one that ended first has raised. If cancelled, all are, and what they raise is dropped.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    next(task for task in tasks if task in done).result()

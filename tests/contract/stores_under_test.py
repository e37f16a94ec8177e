"""What the exams of the store's ports share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from adapters_under_test import UnderTest

from syncd.store.port import Batch, CellRow, Lease, Store

Story = Callable[[Store], Coroutine[Any, Any, None]]

LONG_S = 600.0
"""A lease that does not expire during a test."""

SHORT_S = 0.1

StoreUnderTest = UnderTest[Store]


def tell(store_under_test: StoreUnderTest, story: Story) -> None:
    """Run a story with the store open."""

    async def opened() -> None:
        async with store_under_test.open() as store:
            await story(store)

    asyncio.run(opened())


async def leased(store: Store, partition: int = 0) -> Lease:
    lease = await store.acquire(partition, holder="me", ttl_s=LONG_S)
    assert lease is not None
    return lease


def cell(key: str, rank: str, value: bytes = b"1", *, stream: str = "a:1", log_offset: int = 0) -> CellRow:
    return CellRow(stream, key, rank, value, log_offset)


async def commit(store: Store, lease: Lease, *cells: CellRow, at: int, **more: Any) -> int:
    """Commit a batch of one record behind `at`."""
    return await store.commit(Batch(lease, "e1", at, at + 1, cells, **more))

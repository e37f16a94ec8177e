"""The collector of garbage, and the allocator below it, told what kind of process this is."""

from __future__ import annotations

import gc
from typing import Final

GC_OBJECTS = 50_000
"""Objects made and not freed before the youngest are looked at; some 20 MB at worst."""
KEPT_BYTES: Final = 8 * 1024 * 1024
"""Freed memory that a process keeps: several batches of a fold, and a small part of what any process is given."""


def calm_collector() -> None:
    """What lives until the end need not be visited by every full collection, and what a gateway makes and keeps for a
    while (the ring), or a fold for one batch, is no garbage: by the defaults the collector looks at it again for every
    700 objects, in vain. Cycles are rare here; those that wait are bounded by the first threshold."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, 20, 50)
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let the C library keep up to `KEPT_BYTES` that were freed, instead of the 128 KiB of its defaults.

    Every batch of a fold takes some megabytes for texts of columns and gives them back. To have the same from the
    kernel again costs a page fault for each 4 KiB. glibc learns by itself: once a large block was mapped and freed,
    blocks of that size come from its heap, and twice as much may lie free at the heap's end (mallopt(3),
    M_MMAP_THRESHOLD). Never touched, the block costs nothing. With another C library nothing happens.
    """
    bytes(KEPT_BYTES // 2)

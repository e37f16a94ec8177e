"""The collector of garbage, told what kind of process this is."""

from __future__ import annotations

import gc

GC_OBJECTS = 50_000
"""Objects made and not freed before the youngest are looked at; some 20 MB at worst."""


def calm_collector() -> None:
    """What lives until the end need not be visited by every full collection, and what a gateway makes and keeps for a
    while (the ring), or a fold for one batch, is no garbage: by the defaults the collector looks at it again for every
    700 objects, in vain. Cycles are rare here; those that wait are bounded by the first threshold."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, 20, 50)

"""After the noise: wait until the projector has folded all of the log, and read what the store holds."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.log.port import EventLog
from syncd.model.canonical import from_canonical
from syncd.model.cells import Cell, Cells, digest
from syncd.operations.verify import Verified, verify
from syncd.store.port import StateReader
from syncd.testing.patience import PATIENCE_S, eventually


@dataclass(frozen=True, slots=True)
class StoredState:
    """One stream as the store holds it."""

    cells: Cells
    digest: str


async def until_projected(log: EventLog, store: StateReader, *, timeout_s: float = PATIENCE_S) -> None:
    """Wait until every partition's checkpoint is where its log ended when this was called.

    After a server was killed this takes up to the 4 s that its projector's lease goes on.

    Raises:
        TimeoutError: some partition is still behind after `timeout_s`.
    """
    ends = [await log.end(partition) for partition in range(log.partitions)]

    async def projected() -> bool:
        checkpoints = [await store.checkpoint(partition) for partition in range(log.partitions)]
        return all(checkpoint.offset_next >= end for checkpoint, end in zip(checkpoints, ends, strict=True))

    await eventually(projected, "the projector was behind", timeout_s=timeout_s)


async def verified(log: EventLog, store: StateReader, *, seed: int = 1) -> Verified:
    """What `verify` finds once the projector has folded all of the log."""
    await until_projected(log, store)
    return await verify(log, store, seed=seed)


async def state_of_store(log: EventLog, store: StateReader, stream: str) -> StoredState:
    """The cells of a stream at the store's checkpoint, and their digest."""
    state = await store.cells(stream, log.partition_of(stream))
    cells = {row.key: Cell(row.rank, from_canonical(row.value)) for row in state.cells}
    return StoredState(cells, digest(cells))

"""The whole state of a stream right now: the store's cells joined with the log's tail."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.errors import EpochChanged
from syncd.log.port import EventLog
from syncd.model.canonical import from_canonical
from syncd.model.cells import Cell, Cells, fold
from syncd.push.cursor import cursor_prefix
from syncd.push.history import stream_entries
from syncd.store.port import Checkpoint, StateReader


@dataclass(frozen=True, slots=True)
class CurrentState:
    """`cells` as of `offset`: every record of the stream below it is folded."""

    cells: Cells
    partition: int
    epoch: str
    offset: int
    generation: int
    stream: str

    @property
    def cursor(self) -> str:
        """The cursor a device would hold that has this state."""
        prefix = cursor_prefix(self.stream, generation=self.generation, epoch=self.epoch, partition=self.partition)
        return f"{prefix}{self.offset}"


async def current_state(log: EventLog, store: StateReader, stream: str) -> CurrentState:
    """Everything of the stream that was durable when this was called.

    Raises:
        EpochChanged: the store's cells were folded from another life of the log.
        LogUnavailable, StoreUnavailable: no answer.
    """
    partition = log.partition_of(stream)
    end = await log.end(partition)
    state = await store.cells(stream, partition)
    check_epoch(state.checkpoint, log.epoch(partition))
    cells = {row.key: Cell(row.rank, from_canonical(row.value)) for row in state.cells}
    async for page in stream_entries(log, stream, state.checkpoint.offset_next, end):
        for entry in page:
            fold(cells, entry.cells)
    offset = max(end, state.checkpoint.offset_next)
    return CurrentState(cells, partition, log.epoch(partition), offset, state.generation, stream)


def check_epoch(checkpoint: Checkpoint, epoch: str) -> None:
    """Raise `EpochChanged` when a checkpoint belongs to another life of the log than `epoch`."""
    if checkpoint.epoch not in ("", epoch):
        raise EpochChanged(
            f"partition {checkpoint.partition} was folded in epoch {checkpoint.epoch}, the log is in {epoch}; "
            "see `syncd migrate --help`"
        )

"""The store's contract with a rebuild.

Words. A *run* builds a second generation of cells: of one stream, whose name it has, or of everything, named "". What
it has built is *staged*: nobody else reads it. A *swap* puts what is staged in the place of the live cells where they
differ. It holds the partition's checkpoint, so that no projector commits meanwhile, and releases it when it ends.

Source: design.md section 4; docs/decisions/0013-rebuild.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from syncd.store.port import CellRow, Checkpoint

KEYS_TOLD_MAX = 20
"""Keys named of one stream that differs; one that was never folded differs in all of them."""
EVERYTHING = ""
"""The run that rebuilds all streams."""
FORGOTTEN = "what was staged is gone, since an account was erased meanwhile: run it again"


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes:
        program: what lowers the records. Two programs may do it differently, so what they stage is never mixed.
        epochs: partition -> the life of the log that is read there, for all partitions that the run folds.
    """

    name: str
    program: str
    epochs: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class StreamDifference:
    """A stream whose live cells are not those that are staged.

    Attributes:
        missing, extra, different: how many cells: staged only, live only, both but not equal.
        falls: whether a live cell is removed, or replaced by a smaller rank or value, which a join would not do.
        live_digest, staged_digest: 16 hex digits, as `model.cells.digest`.
        keys: the first `KEYS_TOLD_MAX` in code-point order.
    """

    stream: str
    missing: int
    extra: int
    different: int
    falls: bool
    live_digest: str
    staged_digest: str
    keys: Sequence[str]

    @property
    def cells(self) -> int:
        """How many cells a swap changes."""
        return self.missing + self.extra + self.different


class Rebuilding(Protocol):
    """The right to rebuild, while it is held. Every method may raise `StoreUnavailable`: the right is lost then."""

    async def begin(self, run: Run) -> Mapping[int, int]:
        """Partition -> the offset from which the run goes on: where an earlier process has left it, or 0 in all of them
        when that one had another program, other partitions or another life of the log."""

    async def stage(self, run: Run, partition: int, offset_next: int, cells: Sequence[CellRow]) -> None:
        """Join cells into what is staged, and note how far the run has come in the partition, both or neither.

        Args:
            cells: unique by (stream, key). Their `log_offset` is not kept.

        Raises:
            Conflict: what was staged is gone, because an account was erased meanwhile. Begin anew.
        """

    async def candidates(self, run: Run, *, after: str, cells_max: int) -> tuple[Sequence[str], str | None]:
        """Streams behind `after` that differ as far as can be seen now, ascending, and where to go on; None at the end.

        What the projector has folded and the run has not shows as a difference. About `cells_max` cells are looked at.
        """

    def swap(self, run: Run, partition: int) -> AbstractAsyncContextManager[Swap]:
        """One transaction with the partition's checkpoint held; committed when the block ends, undone when it raises.

        `stage` takes part in it. Whoever erases an account waits for its end.

        Raises:
            Conflict: as `stage`.
        """

    async def discard(self, run: str) -> None:
        """Forget what a run has staged, and how far it came, in all partitions."""


class Swap(Protocol):
    """A swap under way.

    Attributes:
        checkpoint: where the live cells stand until it ends.
    """

    checkpoint: Checkpoint

    async def differences(self, run: Run, streams: Sequence[str]) -> Sequence[StreamDifference]:
        """Those of the streams that differ, ascending."""

    async def apply(self, run: Run, offsets: Mapping[str, int], *, fallen: Sequence[str]) -> int:
        """Put the staged cells of these streams in the place of the live ones.

        Args:
            offsets: stream -> the `log_offset` of every cell that changes. Others keep theirs.
            fallen: streams whose generation rises.

        Returns:
            How many cells were added, replaced or removed.
        """


class RebuildStore(Protocol):
    """A store whose cells can be built anew."""

    def rebuilding(self) -> AbstractAsyncContextManager[Rebuilding]:
        """The right to rebuild, which one process holds at a time.

        Raises:
            Conflict: somebody else holds it.
            StoreUnavailable: no answer.
        """

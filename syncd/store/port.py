"""The store's contracts, cut by who needs them.

Words. A *checkpoint* is the offset up to which a partition's records are folded into the cells, committed in the same
transaction as they. A *lease* is the right to fold a partition; its *term* rises by one with every new holder, and a
commit of an older term is refused. A *generation* of a stream rises when its cells were replaced by ones with smaller
ranks, so that devices take a snapshot. A *void* is the used-up seq of a permanently refused event.

Source: design.md sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

from msgspec import Struct


class CellRow(Struct, frozen=True, gc=False):
    """`value`: canonical bytes. `log_offset`: of the record that last changed the cell."""

    stream: str
    key: str
    rank: str
    value: bytes
    log_offset: int


class WriterRow(Struct, frozen=True, gc=False):
    """The largest seq and time admitted of a writer on a stream; `log_offset`: of the newest record with that seq."""

    writer: str
    stream: str
    seq: int
    t: int
    log_offset: int


class WriterProgress(NamedTuple):
    """How far a writer has come on one stream; as `WriterRow`.

    `log_offset` is a hint of where to look: it may be of another life of the log, and -1 when nobody knows.
    """

    seq: int
    t: int
    log_offset: int


class VoidRow(NamedTuple):
    writer: str
    stream: str
    seq: int
    reason: str


class DeadLetterRow(NamedTuple):
    """A record set aside: its position, why, and the whole of it."""

    partition: int
    offset: int
    stream: str
    writer: str
    seq: int
    kind: str
    version: int
    body: bytes
    reason: str


class SlotsRow(NamedTuple):
    """How many list slots a batch added to one list; an upper bound of its items."""

    stream: str
    list_name: str
    slots: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to fold `partition`, until it expires by the database's clock."""

    partition: int
    holder: str
    term: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything below `offset_next` of the life `epoch` is folded. A partition never folded is at 0 of epoch ""."""

    partition: int
    epoch: str
    offset_next: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one commit of a projector writes.

    Rows are unique by their keys; cells are already joined among themselves. Texts of cells and writers are not empty
    and hold no control characters, nor do values: canonical JSON escapes them.
    """

    lease: Lease
    epoch: str
    offset_old: int
    offset_new: int
    cells: Sequence[CellRow] = ()
    writers: Sequence[WriterRow] = ()
    voids: Sequence[VoidRow] = ()
    slots: Sequence[SlotsRow] = ()
    dead_letters: Sequence[DeadLetterRow] = ()


class ErasedStreams(Protocol):
    """Which streams are gone for good."""

    async def erased_streams(self) -> frozenset[str]:
        """Streams that went with their account. A log that cannot be rewritten (Kafka) still holds their records, and
        whoever folds it must leave those out."""


class ProjectionStore(ErasedStreams, Protocol):
    """What the projector needs."""

    async def acquire(self, partition: int, *, holder: str, ttl_s: float, free_s: float = 0.0) -> Lease | None:
        """Take the lease if it is free, released or expired, with a term one higher; None when somebody holds it.

        With `free_s` one that was given back is taken only when that is so long ago: whoever it was given up for comes
        first. One that ran out is taken at once, as is one that was never held.

        A holder that asks again while it holds the lease gets None too: it lost track, and must wait like others.
        """

    async def renew(self, lease: Lease, *, ttl_s: float) -> bool:
        """Prolong a lease that still stands at this term; False when it does not, or has expired."""

    async def release(self, lease: Lease) -> None:
        """Give the lease back, so that the next holder need not wait. Harmless when it was lost."""

    async def checkpoint(self, partition: int) -> Checkpoint:
        """Where the partition's cells stand."""

    async def begin_epoch(self, lease: Lease, *, epoch: str, offset_next: int) -> None:
        """Move the checkpoint to `offset_next` of another life of the log, as after a restore; the cells stay.

        Whoever folds decides from where: folding a record again changes nothing, leaving one out does.

        Raises:
            FencedOut: the lease has another term. Nothing written.
        """

    async def commit(self, batch: Batch, *, gently: bool = False) -> int:
        """Join the batch's cells and move the checkpoint from `offset_old` to `offset_new`, in one transaction.

        Cells join by (rank, canonical value); writers by the larger seq, which the offset goes with, and the larger t;
        voids and dead letters are inserted once; slots add up within an epoch, since another one may fold the same
        records again. Nothing of the batch is visible unless all of it is. A checkpoint that was never committed, at 0
        of epoch "", takes the batch's epoch.

        It is visible at once, but a crash of the database may take back the last second of commits, as a whole and in
        their order; they are folded once more then. `make_durable` ends that.

        Args:
            gently: the database's process rests for a millisecond after every few rows, so that others get at the
                processor that it may share with them. That takes longer, and costs next to nothing.

        Returns:
            How many cells changed.

        Raises:
            FencedOut: the checkpoint is not at `offset_old` in `epoch`, or the lease has another term. Nothing written.
            StoreUnavailable: the outcome is unknown; ask `checkpoint` before going on.
        """

    async def make_durable(self, partition: int) -> None:
        """Return when no crash can take back what was committed of a partition so far. For those who delete records
        because they are folded.
        """

    async def dead_letters_waiting(self, partition: int) -> int:
        """How many records of a partition are set aside, of all its epochs."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """`owner`: account of a playlist; None while nobody has written to it, and for account streams."""

    owner: str | None
    generation: int


@dataclass(frozen=True, slots=True)
class StreamState:
    """Cells of one stream at one checkpoint, read in one repeatable-read transaction."""

    checkpoint: Checkpoint
    generation: int
    cells: Sequence[CellRow]


@dataclass(frozen=True, slots=True)
class Counts:
    """What is counted of the records of some streams, all at one checkpoint.

    Attributes:
        writers: (stream, writer) -> the largest seq, and the largest time.
        voids: (stream, writer, seq).
        slots: (stream, list) -> how many were added.
    """

    checkpoint: Checkpoint
    writers: Mapping[tuple[str, str], tuple[int, int]]
    voids: frozenset[tuple[str, str, int]]
    slots: Mapping[tuple[str, str], int]


class StateReader(ErasedStreams, Protocol):
    """What push, the API and the operators need."""

    async def cells(self, stream: str, partition: int, *, from_offset: int = 0) -> StreamState:
        """The cells of a stream that changed at `log_offset >= from_offset`, ordered by key, with the checkpoint."""

    async def cells_under(self, stream: str, partition: int, *, prefixes: Sequence[str]) -> StreamState:
        """As `cells`, but only those whose key begins with one of the prefixes, which must not overlap."""

    async def counts(self, streams: Sequence[str], partition: int) -> Counts:
        """What is counted of these streams, which are the partition's. For operators: it reads all of the counts."""

    async def checkpoint(self, partition: int) -> Checkpoint:
        """Where the partition's cells stand."""

    async def swap_ended(self, partition: int) -> None:
        """Return when the swap is over that was under way in the partition, if there was one: what is read then has its
        outcome. For those who met a `projection.rebuilt` record, which is written before the swap is committed.

        Raises:
            StoreUnavailable: it takes too long, or no answer.
        """

    async def streams(self, streams: Sequence[str]) -> Mapping[str, StreamInfo]:
        """Owner and generation of each stream asked for; an unknown one has owner None and generation 0."""

    async def streams_with_cells(self, *, after: str, limit: int) -> Sequence[str]:
        """At most `limit` streams behind `after` that have cells, ascending."""

    async def slots(self, streams: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Of each stream asked for: list -> how many slots it has by the projector's count; a list without any is not
        there."""


@dataclass(frozen=True, slots=True)
class WriterKnown:
    """What the store knows of a writer.

    Attributes:
        progress: per stream the largest folded.
        voids: per stream the used-up seqs of refused events.
    """

    account: str
    device: str
    nonce: str
    progress: Mapping[str, WriterProgress] = field(default_factory=dict)
    voids: Mapping[str, frozenset[int]] = field(default_factory=dict)


class LetterPosition(NamedTuple):
    """Where a dead letter's record stands in the log, and in which life of it. Letters are listed in this order."""

    partition: int
    epoch: str
    offset: int


class DeadLetter(NamedTuple):
    """A dead letter without its body, which may be large."""

    position: LetterPosition
    stream: str
    writer: str
    seq: int
    kind: str
    version: int
    body_bytes: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which dead letters; None lets all through. `reason`: a part of the text."""

    streams: Sequence[str] | None = None
    partition: int | None = None
    offset: int | None = None
    reason: str | None = None


class DeadLetters(Protocol):
    """What operators need to look at records that were set aside, and to let them go."""

    async def dead_letters(
        self, filter_: LetterFilter, *, after: LetterPosition | None, limit: int
    ) -> Sequence[DeadLetter]:
        """At most `limit` letters beyond `after`, ascending by position."""

    async def dead_letter(self, position: LetterPosition) -> DeadLetterRow | None:
        """One letter, whole."""

    async def drop_dead_letter(self, position: LetterPosition) -> bool:
        """Forget a letter; False when it is not there. The record stays in the log."""


class WriterIdentity(NamedTuple):
    """Whose a writer is: an account's device, and one local store of it (the nonce)."""

    writer: str
    account: str
    device: str
    nonce: str


class WriterRegistry(Protocol):
    """What the gateway needs to know who writes, and who owns what."""

    async def writers(self, writers: Sequence[str]) -> Mapping[str, WriterKnown]:
        """What is known of each writer; unknown ones are absent."""

    async def writers_of(self, account: str) -> Sequence[WriterIdentity]:
        """Every writer of the account's devices, ascending."""

    async def register_writers(self, writers: Sequence[WriterIdentity]) -> frozenset[str]:
        """Remember fresh writers, no id twice; those whose id was free. For the others another one has to be drawn."""

    async def claim_stream(self, stream: str, *, owner: str) -> StreamInfo:
        """The stream's owner: `owner` if nobody was before. One of two that claim at once wins; both learn who."""

    async def streams_owned(self, owner: str) -> Sequence[str]:
        """The playlists of an account, ascending. Its own stream, which is nobody else's, is not among them."""


NOBODY = "-"
"""The owner of a stream that was erased with its account: no account has this id, and nobody can claim it again."""


class Erasure(Protocol):
    """What it takes to forget an account. Everything here may be done twice."""

    async def erase_stream(self, stream: str) -> int:
        """Forget a stream's cells, and what was counted and set aside of it; how many cells it had.

        It belongs to `NOBODY` from then on, is one of `erased_streams`, and its generation rises. A rebuild that is
        under way ends with an error, whatever it rebuilds: it may have staged what goes.
        """

    async def give_stream(self, stream: str, *, owner: str) -> None:
        """Make somebody the owner of a playlist, whoever it was before."""

    async def erase_writers(self, account: str) -> None:
        """Forget whose the account's writers were, and what was set aside of theirs. Their ids stay taken: a stranger
        who got one could go on in playlists that they wrote to."""


@dataclass(frozen=True, slots=True)
class LiveGateway:
    """A gateway that takes devices.

    Attributes:
        ws_url: as devices reach it; None: on the host where they found the API, at `ws_port`.
    """

    gateway: str
    ws_url: str | None
    ws_port: int


class GatewayDirectory(Protocol):
    """Which gateways are here, as they say themselves. A hint: whoever needs certainty connects."""

    async def announce(self, gateway: LiveGateway, *, draining: bool) -> None:
        """Say that a gateway is here now, by the store's clock, and whether it takes devices."""

    async def live_gateways(self, *, ttl_s: float) -> Sequence[LiveGateway]:
        """Those announced within the last `ttl_s` that do not drain, in the order of their ids."""


class ProcessReport(NamedTuple):
    """What a process told of itself, `age_s` seconds ago by the store's clock. `figures`: opaque to the store."""

    process: str
    roles: str
    figures: bytes
    age_s: float


class ProcessDirectory(Protocol):
    """What processes tell of themselves, for operators to look at. A hint, as the directory of gateways."""

    async def report(self, process: str, *, roles: str, figures: bytes) -> None:
        """Say how a process does now, in the place of what it said before."""

    async def processes(self, *, ttl_s: float) -> Sequence[ProcessReport]:
        """The last word of those that said something within `ttl_s`, in the order of their names."""


class Store(
    ProjectionStore, StateReader, DeadLetters, WriterRegistry, Erasure, GatewayDirectory, ProcessDirectory, Protocol
):
    """All of it, as one adapter keeps it."""

    async def close(self) -> None:
        """Let go of connections."""


Listener: TypeAlias = Callable[[str], None]
"""Called with the payload of a message."""


class SideChannel(Protocol):
    """Small messages between processes that may be lost: presence, revocations. Never anything that must arrive."""

    async def publish(self, topic: str, payload: str) -> None:
        """Tell every listener of the topic, ourselves included. Payload at most 4,000 bytes. Never raises: a side
        channel that is down loses the message and says so in the log of the process."""

    def listen(self, topic: str, callback: Listener) -> None:
        """Call `callback(payload)` on the event loop for every message that arrives from now on."""

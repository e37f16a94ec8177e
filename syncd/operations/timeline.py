"""Who did what in a stream, and what came of it: each event with its writes, and which of them won.

The plain way, `why` for every cell, reads the stream once per cell. Here it is read once: a running fold keeps, for
each cell, which event holds it. An event's write that loses against the holder is lost, with the reason; one that wins
stands, until a later one replaces it, which is then noted at both. So an event that arrives late, from a device that
was in a tunnel, shows what it still changed, and what was decided meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from syncd.log.port import EventLog
from syncd.log.record import Admitted, LoggedRecord
from syncd.model.canonical import Json
from syncd.model.cells import Cell, wins
from syncd.model.ids import event_id, from_key_part
from syncd.operations.advance import Advance, Count, quiet
from syncd.operations.news import any_beyond
from syncd.operations.rank_difference import rank_difference
from syncd.operations.refold import admitted_of, group_pages, groups, written_by
from syncd.operations.told import told

Outcome: TypeAlias = Literal["stands", "replaced", "lost", "repeated"]
"""`stands`: the cell shows it. `replaced`: it did, until `by`. `lost`: it never did; `by` was there with a larger rank.
`repeated`: it says what was there already."""


Place: TypeAlias = tuple[int, str, int]
"""(admitted_ms, stream, offset): what a timeline of several streams is ordered by."""


@dataclass(frozen=True, slots=True)
class Other:
    """An event that another one met at a cell."""

    event: str
    kind: str
    account: str
    device: str
    t: int


@dataclass(slots=True)
class Write:
    """What an event wrote to one cell, and what came of it.

    Attributes:
        over: whose write it replaced; None when the cell was empty, and for a write that lost.
        by: who it lost to, or was replaced by; None when it stands.
        because: why it lost, in words, by the ranks; empty otherwise.
    """

    key: str
    value: Json
    rank: str
    outcome: Outcome
    over: Other | None = None
    by: Other | None = None
    because: str = ""


@dataclass(slots=True)
class Step:
    """One record of the stream.

    Attributes:
        says: what it did, in words, or why it cannot be read.
        t: packed time that orders it among others; 0 where it cannot be read, as `admitted_ms`.
        admitted_ms: when it reached a gateway; much later than `t` when its device had no connection.
        device_name: as the account's stream last called the device; None where it is not known.
    """

    stream: str
    partition: int
    offset: int
    event: str
    kind: str
    says: str
    t: int = 0
    admitted_ms: int = 0
    account: str = ""
    device: str = ""
    device_name: str | None = None
    writes: list[Write] = field(default_factory=list)

    @property
    def place(self) -> Place:
        return self.admitted_ms, self.stream, self.offset

    @property
    def lost(self) -> bool:
        """Whether some of it lost on arrival."""
        return any(write.outcome == "lost" for write in self.writes)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFilter:
    """Which steps to keep; None, or nothing in `kinds`, lets all through.

    Attributes:
        since_ms, until_ms: half-open [since_ms, until_ms) of the time of admission.
        device: a device's id.
        key: a cell's key, or a pattern with `*`; of a step that passes, only such writes are kept.
        lost_only: only steps of which something lost.
        before: only steps that come before this place in a timeline (`Step.place`).
    """

    kinds: frozenset[str] = frozenset()
    device: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    key: str | None = None
    lost_only: bool = False
    before: Place | None = None

    def passes(self, step: Step) -> bool:
        """Whether to keep it; its writes have been chosen by `key` already."""
        return (
            (not self.kinds or step.kind in self.kinds)
            and self.device in (None, step.device)
            and (self.since_ms is None or step.admitted_ms >= self.since_ms)
            and (self.until_ms is None or step.admitted_ms < self.until_ms)
            and (self.key is None or bool(step.writes))
            and (not self.lost_only or step.lost)
            and (self.before is None or step.place < self.before)
        )

    def wants(self, key: str) -> bool:
        """Whether a write of this cell is kept."""
        return self.key is None or fnmatchcase(key, self.key)


@dataclass(slots=True)
class _Holder:
    """Whose write a cell holds; `write` is None when it was not kept."""

    cell: Cell
    by: Other
    write: Write | None


class StreamTimeline:
    """The running fold of one stream.

    Attributes:
        log: where it is read.
        begins_at: the oldest offset that was there; above 0 the log was trimmed, and earlier writes are not known.
        offset_next: where the next look begins.
        names: device -> what the stream calls it.
    """

    def __init__(self, log: EventLog, stream: str, filter_: StepFilter) -> None:
        self.log = log
        self.stream = stream
        self.partition = log.partition_of(stream)
        self._filter = filter_
        self._holders: dict[str, _Holder] = {}
        self.begins_at = 0
        self.offset_next = 0
        self.names: dict[str, str] = {}

    def take(self, record: LoggedRecord) -> Step | None:
        """The stream's next record, as a step if it passes. Its writes may still change: one that stands may be
        replaced."""
        step = self._step(record)
        return step if self._filter.passes(step) else None

    def _step(self, record: LoggedRecord) -> Step:
        step = Step(
            stream=record.stream,
            partition=record.partition,
            offset=record.offset,
            event=event_id(record.writer, record.seq),
            kind=record.kind,
            says="cannot be read by this version",
        )
        admitted = admitted_of(record)
        if admitted is not None:
            step.t, step.admitted_ms = admitted.event.t, admitted.admitted_ms
            step.account, step.device = admitted.account, admitted.device
            step.says = told(admitted.event.kind, admitted.event.data, self.names)
            self._take_in(admitted, step)
        return step

    def _take_in(self, admitted: Admitted, step: Step) -> None:
        me = Other(step.event, step.kind, step.account, step.device, step.t)
        for key, cell in written_by(admitted).items():
            write = Write(key, cell.value, cell.rank, "stands")
            holder = self._holders.get(key)
            if wins(cell, None if holder is None else holder.cell):
                if holder is not None:
                    write.over = holder.by
                    if holder.write is not None:
                        holder.write.outcome, holder.write.by = "replaced", me
                self._holders[key] = _Holder(cell, me, write if self._filter.wants(key) else None)
                self._note_name(key, cell)
            elif holder is not None:
                write.by = holder.by
                write.outcome = "repeated" if cell == holder.cell else "lost"
                write.because = rank_difference(key, cell, holder.cell) if write.outcome == "lost" else ""
            if self._filter.wants(key):
                step.writes.append(write)

    def _note_name(self, key: str, cell: Cell) -> None:
        part, _, rest = key.partition("/")
        device, _, what = rest.partition("/")
        if part == "device" and what == "name" and isinstance(cell.value, str):
            self.names[from_key_part(device)] = cell.value


def _groups(streams: list[StreamTimeline]) -> list[list[StreamTimeline]]:
    """Those that one reading serves."""
    by_name = {stream.stream: stream for stream in streams}
    return [[by_name[name] for name in group] for group in groups(streams[0].log, by_name)] if streams else []


async def _look(group: list[StreamTimeline], count: Count) -> AsyncIterator[Step]:
    """The steps that pass, from where the group's last look ended to the log's present end.

    Raises:
        OffsetExpired: the log was trimmed beyond where the last look ended, or while this goes on.
        LogUnavailable: no answer.
    """
    one = group[0]
    offset, until = one.offset_next, await one.log.end(one.partition)
    if offset == 0:
        offset = await one.log.start(one.partition)
        for stream in group:
            stream.begins_at = offset
    by_name = {stream.stream: stream for stream in group}
    count.begin(until - offset)
    async for page in group_pages(one.log, by_name, offset, until):
        for record in page.records:
            step = by_name[record.stream].take(record)
            if step is not None:
                yield step
        count.did(page.offset_next - offset)
        offset = page.offset_next
    for stream in group:
        stream.offset_next = max(offset, until)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Steps of all streams asked for, by the time of their admission.

    Attributes:
        begins_at: stream -> the oldest offset there, where the log was trimmed.
        left_out: steps that passed and are not among the last that were asked for.
    """

    steps: list[Step]
    begins_at: dict[str, int]
    left_out: int
    names: dict[str, str]


async def timeline(streams: list[StreamTimeline], *, last: int, progress: Advance = quiet) -> Timeline:
    """What happened in these streams, up to now.

    Args:
        last: how many of the newest steps to keep, 1 to `limits.TIMELINE_STEPS_MAX`; those before them still count in
            the fold.
        progress: (records looked at, of all).

    Raises:
        LogUnavailable: no answer.
    """
    kept: list[Step] = []
    passed = 0
    count = Count(progress)
    for group in _groups(streams):
        newest: deque[Step] = deque(maxlen=last)
        async for step in _look(group, count):
            newest.append(step)
            passed += 1
        kept += newest
    kept.sort(key=lambda step: step.place)
    names = {device: name for stream in streams for device, name in stream.names.items()}
    for step in kept[-last:]:
        step.device_name = names.get(step.device)
    begins_at = {stream.stream: stream.begins_at for stream in streams if stream.begins_at > 0}
    return Timeline(kept[-last:], begins_at, passed - len(kept[-last:]), names)


async def follow(log: EventLog, streams: list[StreamTimeline], *, wait_s: float) -> AsyncIterator[Step]:
    """New steps as they come, until the caller stops.

    Args:
        wait_s: how long one wait for news may last before it is asked again.

    Raises:
        LogUnavailable: no answer.
    """
    together = _groups(streams)
    named = {stream.stream: stream.names for stream in streams}
    while True:
        for group in together:
            async for step in _look(group, Count(quiet)):
                step.device_name = named[step.stream].get(step.device) or streams[0].names.get(step.device)
                yield step
        await any_beyond(log, _offsets(streams), timeout_s=wait_s)


def _offsets(streams: list[StreamTimeline]) -> dict[int, int]:
    """Partition -> the offset up to which all of its streams were looked at."""
    offsets: dict[int, int] = {}
    for stream in streams:
        offsets[stream.partition] = min(stream.offset_next, offsets.get(stream.partition, stream.offset_next))
    return offsets

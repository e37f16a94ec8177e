"""Records of the log as operators look at them: filtered, decoded, once or as they come."""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import msgspec

from syncd.limits import READ_RECORDS_MAX
from syncd.log.port import EventLog, Page
from syncd.log.record import LoggedRecord
from syncd.model.canonical import Json
from syncd.model.events import EVENTS, SERVER_KINDS
from syncd.model.ids import event_id
from syncd.operations.news import any_beyond
from syncd.operations.refold import first_offset

FOLLOW_WAIT_S: Final = 5.0
"""How long one wait for new records lasts before it is asked again."""
T = TypeVar("T", int, str)
LAST_SCANNED_MAX: Final = 20_000
"""Records looked at backwards from the end for the last ones that a filter lets through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which records to show; None, or nothing in `kinds`, lets all through.

    Attributes:
        kinds: any of them.
        since_ms, until_ms: half-open [since_ms, until_ms) of the time of admission.
    """

    stream: str | None = None
    kinds: frozenset[str] = frozenset()
    device: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def passes(self, shown: ShownRecord) -> bool:
        """Whether to show it. A record that cannot be read is shown unless its device or time was asked for."""
        if self.stream not in (None, shown.stream) or (self.kinds and shown.kind not in self.kinds):
            return False
        if self.device not in (None, shown.device):
            return False
        if self.since_ms is None and self.until_ms is None:
            return True
        at_ms = shown.admitted_ms
        if at_ms is None:
            return False
        return (self.since_ms is None or at_ms >= self.since_ms) and (self.until_ms is None or at_ms < self.until_ms)


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """A record with its body opened. What a body does not hold, or that is none, is None; `data` is then its bytes as
    text."""

    partition: int
    offset: int
    stream: str
    event: str
    kind: str
    t: int | None
    admitted_ms: int | None
    account: str | None
    device: str | None
    region: str | None
    data: Json


def shown(record: LoggedRecord) -> ShownRecord:
    """The record, opened without asking what its kind means: an older or newer program's can be looked at as well."""
    try:
        body = msgspec.json.decode(record.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    known: dict[str, Any] = body if isinstance(body, dict) else {"data": record.body.decode(errors="replace")}
    return ShownRecord(
        partition=record.partition,
        offset=record.offset,
        stream=record.stream,
        event=event_id(record.writer, record.seq),
        kind=record.kind,
        t=_as(int, known.get("t")),
        admitted_ms=_as(int, known.get("admitted_ms")),
        account=_as(str, known.get("account")),
        device=_as(str, known.get("device")),
        region=_as(str, known.get("region")),
        data=cast(Json, known.get("data")),
    )


def unknown_kind(kind: str) -> str | None:
    """A warning about a kind that this version does not know, with the nearest it does; None when it knows it.

    Not an error: the log may hold events of a newer version.
    """
    known = [*EVENTS, *SERVER_KINDS]
    if kind in known:
        return None
    near = difflib.get_close_matches(kind, known, n=1)
    return f"this version knows no kind {kind!r}" + (f"; near it is {near[0]!r}" if near else "")


async def show(log: EventLog, filter_: Filter, *, from_: int | None = None) -> AsyncGenerator[ShownRecord, None]:
    """The records that are there now, partition by partition, each in the log's order.

    Args:
        from_: the offset to begin at, in every partition; the oldest kept when None.

    Raises:
        OffsetExpired, OffsetInFuture: `from_` is not in the log.
        LogUnavailable: no answer.
    """
    for partition in _partitions(log, filter_):
        end = await log.end(partition)
        offset = from_
        if offset is None:
            offset = max(await log.start(partition), await first_offset(log, partition, filter_.since_ms))
        # Asked once even where there is nothing, so that an offset which is not in the log is told.
        while (page := await _page(log, filter_, partition, offset, end)).offset_next > offset:
            for record in page.records:
                if filter_.passes(opened := shown(record)):
                    yield opened
            offset = page.offset_next


async def tail(log: EventLog, filter_: Filter, *, last: int | None) -> AsyncGenerator[ShownRecord, None]:
    """The last records that pass, then every one that comes, until the caller stops.

    Args:
        last: how many of those that are there already; looked for among the last `LAST_SCANNED_MAX` of a partition.
            None shows all of them.

    Raises:
        LogUnavailable: no answer.
    """
    offsets = {partition: await log.end(partition) for partition in _partitions(log, filter_)}
    if last is None:
        for partition in offsets:
            offsets[partition] = await log.start(partition)
    else:
        for opened in await _last(log, filter_, offsets, last):
            yield opened
    while True:
        came = False
        for partition, offset in offsets.items():
            page = await _page(log, filter_, partition, offset, await log.end(partition))
            came = came or page.offset_next > offset
            offsets[partition] = page.offset_next
            for record in page.records:
                if filter_.passes(opened := shown(record)):
                    yield opened
        if not came:
            await any_beyond(log, offsets, timeout_s=FOLLOW_WAIT_S)


async def _last(log: EventLog, filter_: Filter, ends: dict[int, int], last: int) -> Iterable[ShownRecord]:
    """The last records below `ends` that pass, oldest first by time of admission."""
    kept: deque[ShownRecord] = deque()
    for partition, end in ends.items() if last else ():
        of_partition: deque[ShownRecord] = deque(maxlen=last)
        offset = max(await log.start(partition), end - LAST_SCANNED_MAX)
        while offset < end:
            records, offset = await _page(log, filter_, partition, offset, end)
            of_partition.extend(filter(filter_.passes, map(shown, records)))
        kept.extend(of_partition)
    return sorted(kept, key=lambda record: record.admitted_ms or 0)[-last:] if kept else []


async def _page(log: EventLog, filter_: Filter, partition: int, offset: int, end: int) -> Page:
    """Records at offsets [offset, end); of one stream, where one was asked for."""
    if filter_.stream is not None:
        return await log.read_stream(filter_.stream, offset, until=max(offset, end), limit=READ_RECORDS_MAX)
    records = [r for r in await log.read(partition, offset, limit=READ_RECORDS_MAX) if r.offset < end]
    return Page(records, records[-1].offset + 1 if records else offset)


def _partitions(log: EventLog, filter_: Filter) -> Sequence[int]:
    return range(log.partitions) if filter_.stream is None else [log.partition_of(filter_.stream)]


def _as(type_: type[T], value: object) -> T | None:
    # bool is an int to isinstance; no field of a body holds one.
    return value if isinstance(value, type_) and not isinstance(value, bool) else None

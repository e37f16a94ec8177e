"""The gateway's spans of the events that are traced. Nothing of this exists where traces are off."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from syncd.push.entry import Entry
from syncd.push.hub import Hub, Origin
from syncd.push.tail import Publish
from syncd.traces import Traces

if TYPE_CHECKING:
    from syncd.gateway.pending import Pending


class AppendSpans:
    """`admit` and `append`, as the appender moves the events on."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces
        self._since_ns: dict[tuple[str, str, int], int] = {}

    def waits(self, pending: Pending) -> None:
        """It was admitted just now."""
        if self._traces.chooses():
            self._since_ns[pending.key] = time.time_ns()

    def withdrawn(self, pendings: Iterable[Pending]) -> None:
        """The log is not given these."""
        for pending in pendings:
            self._since_ns.pop(pending.key, None)

    def handed(self, group: Iterable[Pending]) -> int:
        """The log is handed these next: those that are traced take their trace with them. When that was, ns."""
        now_ns = time.time_ns()
        for pending in group:
            since_ns = self._since_ns.pop(pending.key, None)
            if since_ns is not None:
                facts = {"kind": pending.record.kind}
                trace = self._traces.span("admit", "", started_ns=since_ns, ended_ns=now_ns, **facts)
                pending.record = pending.record._replace(trace=trace)
                pending.entry.trace = trace
        return now_ns

    def answered(self, group: Sequence[Pending], outcome: str, *, started_ns: int) -> None:
        """The log says what became of these."""
        ended_ns = time.time_ns()
        for pending in group:
            if trace := pending.record.trace:
                facts: dict[str, str | int] = {"outcome": outcome, "records": len(group)}
                self._traces.span("append", trace, started_ns=started_ns, ended_ns=ended_ns, **facts)


def traced_publish(publish: Publish, traces: Traces, hub: Hub) -> Publish:
    """The same, with a span for each traced entry."""

    def traced(partition: int, entries: Sequence[Entry], origins: Sequence[Origin | None]) -> None:
        if not any(entry.trace for entry in entries):
            publish(partition, entries, origins)
            return
        for entry, origin in zip(entries, origins, strict=True):
            sent, started_ns = hub.deltas_sent, time.time_ns()
            publish(partition, [entry], [origin])
            if entry.trace:
                facts = {"partition": partition, "offset": entry.offset, "deltas": hub.deltas_sent - sent}
                traces.span("publish", entry.trace, started_ns=started_ns, ended_ns=time.time_ns(), **facts)

    return traced

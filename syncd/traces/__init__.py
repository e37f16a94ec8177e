"""Traces: what one event went through, as spans of one trace, from its admission to the fold.

    admit    from admission until the log is handed the record     gateway
    append   until the log has answered                            gateway
    publish  lowering is done: deltas to all subscribers           every gateway with a device of that partition
    fold     the commit that the record is part of                 projector

The last three are children of the first. Its context travels with the record (`Record.trace`: in Kafka the header
`traceparent`, in Postgres a column). Off unless `SYNCD_TRACES_URL` is set: then nobody holds a `Traces`, and nothing is
done. Spans name no account, device or title.

Source: docs/decisions/0017-watching-and-deploying.md
"""

from __future__ import annotations

from typing import Protocol


class Traces(Protocol):
    """Where spans go."""

    def chooses(self) -> bool:
        """Whether the event at hand shall be traced; asked once for each, where it begins."""

    def span(self, name: str, parent: str, *, started_ns: int, ended_ns: int, **facts: str | int) -> str:
        """Tell of something that is over.

        Args:
            name: what was done.
            parent: the `traceparent` that it belongs to; empty begins a trace. Text that is none is let go.
            started_ns, ended_ns: Unix epoch.

        Returns:
            The span's own `traceparent`, for what follows from it.
        """

    def close(self) -> None:
        """Send what waits, within a few seconds. Blocks: call it from a thread."""

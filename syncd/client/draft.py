"""An event before it has a number and a time."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from syncd.client.clocks import ServerTime
from syncd.errors import LimitExceeded
from syncd.limits import EVENT_BYTES_MAX
from syncd.model.restamp import Pending
from syncd.model.validate import canonical_size, check, decode_data
from syncd.protocol.client_session import OWN_STREAM


class Draft(NamedTuple):
    """An event to be made.

    Attributes:
        data: plain JSON, or an instance of the struct of its kind.
        valid_ms: a control older than this is refused as `expired`.
    """

    kind: str
    data: Any
    stream: str = OWN_STREAM
    valid_ms: int | None = None


def pending_of(draft: Draft, *, seen_t: int, time: ServerTime) -> Pending:
    """The event that a draft describes, judged as the gateway will judge it; seq and t are still 0.

    Raises:
        InvalidEvent, LimitExceeded: the gateway would refuse it for good.
    """
    data = decode_data(draft.kind, msgspec.json.encode(draft.data), format="json")
    check(draft.kind, data, stream=draft.stream)
    size = canonical_size(data)
    if size > EVENT_BYTES_MAX:
        raise LimitExceeded(f"an event of {size} bytes; at most {EVENT_BYTES_MAX} as canonical JSON")
    return Pending(
        stream=draft.stream,
        seq=0,
        t=0,
        kind=draft.kind,
        data=data,
        sent=False,
        seen_t=seen_t,
        wall_ms=time.wall_ms(),
        monotonic_ms=time.monotonic_ms(),
        boot=time.boot,
        valid_ms=draft.valid_ms,
    )

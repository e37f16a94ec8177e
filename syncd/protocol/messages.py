"""Every message of the wire, as one typed struct that JSON and MessagePack share.

`type` names the message. Fields that are absent by default are left out when they are. Receivers ignore fields they do
not know. Source: design.md section 6.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Raw, Struct

from syncd.limits import SAFE_INTEGER_MAX
from syncd.model.ids import WRITER_PATTERN

Natural = Annotated[int, Meta(ge=0, le=SAFE_INTEGER_MAX)]
Seq = Annotated[int, Meta(ge=1, le=SAFE_INTEGER_MAX)]
StreamText = Annotated[str, Meta(min_length=3, max_length=160)]
"""`a:me`, `a:<account>` or `p:<playlist>`."""
CursorText = Annotated[str, Meta(max_length=200)]
Resume = Literal["tail", "cells", "snapshot"]
WireCell: TypeAlias = tuple[str, str, Any]
"""`[key, rank, value]`."""
NackReason = Literal["forbidden", "revoked", "gap", "limit", "invalid", "expired", "orphan", "unavailable"]

# --- from the client ---


class StreamClaim(Struct, frozen=True, omit_defaults=True):
    """What the client holds of one stream.

    Attributes:
        cursor: where its confirmed cells end; absent when it holds none.
        last_seq: the highest seq that its local store ever minted on the stream; absent means 0.
    """

    stream: StreamText
    cursor: CursorText | None = None
    last_seq: Natural | None = None


class Hello(Struct, frozen=True, omit_defaults=True, tag="hello"):
    """First message of a connection, within 5 s.

    Attributes:
        writer: the writer of this local store, absent when it has none yet.
        nonce: 16 random characters made with the local store and kept with it.
        client: name and version of the program, for logs.
        now_ms: the client's clock, ms since the Unix epoch.
        view: "now" asks for `view` messages instead of cells.
    """

    token: Annotated[str, Meta(min_length=1, max_length=512)]
    nonce: Annotated[str, Meta(min_length=1, max_length=64)]
    client: Annotated[str, Meta(max_length=200)]
    now_ms: Natural
    streams: list[StreamClaim]
    writer: Annotated[str, Meta(pattern=WRITER_PATTERN)] | None = None
    view: Literal["cells", "now"] = "cells"


class Subscribe(StreamClaim, frozen=True, omit_defaults=True, tag="subscribe"):
    """Asks for one more stream; answered by `subscribed`, then as after welcome."""


class Unsubscribe(Struct, frozen=True, tag="unsubscribe"):
    stream: StreamText


class EmittedEvent(Struct, frozen=True, omit_defaults=True):
    """One event of an emit. `data` stays raw until its kind is looked up.

    Attributes:
        t: packed time, ms << 11 | counter.
        valid_ms: a control older than this is refused as `expired`.
        hints: neighbours for a later re-placement; kept, not read.
    """

    stream: StreamText
    seq: Seq
    t: Natural
    kind: Annotated[str, Meta(min_length=1, max_length=64)]
    data: Raw
    valid_ms: Natural | None = None
    hints: Raw = Raw(b"")


class Emit(Struct, frozen=True, tag="emit"):
    events: list[EmittedEvent]


class Ping(Struct, frozen=True, tag="ping"):
    sent_ms: Natural


class DigestRequest(Struct, frozen=True, tag="digest"):
    stream: StreamText


ClientMessage: TypeAlias = Hello | Subscribe | Unsubscribe | Emit | Ping | DigestRequest

# --- from the server ---


class StreamWelcome(Struct, frozen=True):
    """`next_seq`: the seq that the server expects next of this writer on this stream."""

    stream: str
    next_seq: int
    resume: Resume


class Limits(Struct, frozen=True):
    frame_bytes: int
    event_bytes: int
    emit_events: int
    subscriptions: int


class Welcome(Struct, frozen=True, tag="welcome"):
    writer: str
    account: str
    device: str
    now_ms: int
    streams: list[StreamWelcome]
    limits: Limits


class Subscribed(StreamWelcome, frozen=True, tag="subscribed"):
    """Answers `subscribe`."""


class Unsubscribed(Struct, frozen=True, omit_defaults=True, tag="unsubscribed"):
    """Answers `unsubscribe`; with a reason, the subscription was ended by the server."""

    stream: str
    reason: str | None = None


class Snapshot(Struct, frozen=True, omit_defaults=True, tag="snapshot"):
    """One part of a whole stream; `last` and `cursor` come with the final one, which replaces the confirmed cells."""

    stream: str
    cells: list[WireCell]
    part: int
    last: bool
    cursor: str | None = None

    # `last: false` is said aloud although it could be left out: a reader should not have to know the default.


class By(Struct, frozen=True):
    """Who did it."""

    account: str
    device: str
    kind: str
    event: str
    t: int


class Delta(Struct, frozen=True, omit_defaults=True, tag="delta"):
    """Changed cells; `by` only where one original event stands behind them."""

    stream: str
    cells: list[WireCell]
    cursor: str | None = None
    by: By | None = None


class AckItem(Struct, frozen=True, omit_defaults=True):
    """One admitted event is durable.

    Attributes:
        t: the time it was admitted with; the client adopts it.
        seen: it had been admitted before; its cells come by the cursor.
        cursor: only when every earlier delta of the stream was sent.
    """

    stream: str
    writer: str
    seq: int
    t: int
    seen: bool = False
    cursor: str | None = None


class Ack(Struct, frozen=True, omit_defaults=True, tag="ack"):
    """One ack in its own fields, or several in `acks`. Read it through `items()`."""

    stream: str | None = None
    writer: str | None = None
    seq: int | None = None
    t: int | None = None
    seen: bool = False
    cursor: str | None = None
    acks: list[AckItem] | None = None

    def items(self) -> list[AckItem]:
        """The acks it carries, in order."""
        if self.acks is not None:
            return self.acks
        assert self.stream is not None
        assert self.writer is not None
        assert self.seq is not None
        assert self.t is not None
        return [AckItem(self.stream, self.writer, self.seq, self.t, self.seen, self.cursor)]


class Nack(Struct, frozen=True, omit_defaults=True, tag="nack"):
    """An event was refused. `expect`: with `gap`, the seq to go on with."""

    stream: str
    seq: int
    reason: NackReason
    message: str
    expect: int | None = None


class Pong(Struct, frozen=True, tag="pong"):
    sent_ms: int
    now_ms: int


class Digest(Struct, frozen=True, tag="digest"):
    """`digest`: of the cells up to `cursor`; `cells`: how many there are."""

    stream: str
    cursor: str
    digest: str
    cells: int


class Presence(Struct, frozen=True, tag="presence"):
    stream: str
    device: str
    online: bool
    since_ms: int


class Drain(Struct, frozen=True, omit_defaults=True, tag="drain"):
    """The gateway will close soon; come back after `reconnect_after_ms`, at `url` where given."""

    reconnect_after_ms: int
    url: str | None = None


class Error(Struct, frozen=True, omit_defaults=True, tag="error"):
    code: str
    message: str
    stream: str | None = None


class ViewItem(Struct, frozen=True, rename={"from_": "from"}):
    id: str
    track: str
    from_: str


class PlaybackNow(Struct, frozen=True):
    """What plays where; `position_ms` as of `as_of_ms` on the server's clock."""

    device: str
    play: str
    epoch: str
    generation: int
    item: ViewItem
    position_ms: int
    as_of_ms: int
    playing: bool
    speed_permille: int


class QueueEntry(Struct, frozen=True):
    id: str
    track: str


class View(Struct, frozen=True, tag="view"):
    """For small devices (`view: "now"`): the playback and the next 20 queue entries."""

    stream: str
    playback: PlaybackNow | None
    queue: list[QueueEntry]
    cursor: str


ServerMessage: TypeAlias = (
    Welcome
    | Subscribed
    | Unsubscribed
    | Snapshot
    | Delta
    | Ack
    | Nack
    | Pong
    | Digest
    | Presence
    | Drain
    | Error
    | View
)

"""Every message of the wire, as one typed struct that JSON and MessagePack share.

`type` names the message. Fields that are absent by default are left out when they are. Receivers ignore fields they do
not know. Source: design.md section 6.

The schemas and docs/reference/protocol.md are made from these structs: a docstring tells what the message is for and
what its receiver owes, `Attributes` what its fields mean.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.structs import force_setattr

from syncd.limits import SAFE_INTEGER_MAX
from syncd.model.ids import WRITER_PATTERN
from syncd.protocol.public_text import public_text

Natural = Annotated[int, Meta(ge=0, le=SAFE_INTEGER_MAX)]
Seq = Annotated[int, Meta(ge=1, le=SAFE_INTEGER_MAX)]
StreamText = Annotated[str, Meta(min_length=3, max_length=160)]
"""`a:me`, `a:<account>` or `p:<playlist>`."""
CursorText = Annotated[str, Meta(max_length=200)]
# "(?!\n)": Python's `$` also matches before a last newline. These two are stored and logged, so they hold no NUL.
PLAIN_PATTERN = "^[^\\u0000-\\u001f\\u007f]*(?!\\n)$"
Resume = Literal["tail", "cells", "snapshot"]
WireCell: TypeAlias = tuple[str, str, Any]
"""`[key, rank, value]`."""
NackReason = Literal["forbidden", "revoked", "gap", "limit", "invalid", "expired", "orphan", "unavailable"]

# --- from the client ---


class StreamClaim(Struct, frozen=True, omit_defaults=True):
    """What the client holds of one stream.

    Attributes:
        stream: `a:me` (the caller's own account), `a:<account>` or `p:<playlist>`.
        cursor: where its confirmed cells end; absent when it holds none.
        last_seq: the highest seq that its local store ever minted on the stream; absent means 0.
    """

    stream: StreamText
    cursor: CursorText | None = None
    last_seq: Natural | None = None


class Hello(Struct, frozen=True, omit_defaults=True, tag="hello"):
    """First message of a connection, within 5 s; answered by `welcome`.

    Attributes:
        token: the device's token.
        nonce: 16 random characters made with the local store and kept with it.
        client: name and version of the program, for logs.
        now_ms: the client's clock, ms since the Unix epoch.
        streams: what to subscribe to from the start, answered in this order.
        writer: the writer of this local store, absent when it has none yet.
        proposal: the writer that a store which has none yet has drawn, and named its first events with. Taken if it is
            free, so that a copy of the store that is restored later does not send those events again under other names.
        view: "now" asks for `view` messages instead of cells.
    """

    token: Annotated[str, Meta(min_length=1, max_length=512)]
    nonce: Annotated[str, Meta(min_length=1, max_length=64, pattern=PLAIN_PATTERN)]
    client: Annotated[str, Meta(max_length=200, pattern=PLAIN_PATTERN)]
    now_ms: Natural
    streams: list[StreamClaim]
    writer: Annotated[str, Meta(pattern=WRITER_PATTERN)] | None = None
    proposal: Annotated[str, Meta(pattern=WRITER_PATTERN)] | None = None
    view: Literal["cells", "now"] = "cells"


class Subscribe(StreamClaim, frozen=True, omit_defaults=True, tag="subscribe"):
    """Asks for one more stream; answered by `subscribed`, then as after welcome.

    Attributes:
        stream: `a:me` (the caller's own account), `a:<account>` or `p:<playlist>`.
        cursor: where the client's confirmed cells end; absent when it holds none.
        last_seq: the highest seq that its local store ever minted on the stream; absent means 0.
    """


class Unsubscribe(Struct, frozen=True, tag="unsubscribe"):
    """Ends a subscription; answered by `unsubscribed`. Emitting to the stream goes on."""

    stream: StreamText


class EmittedEvent(Struct, frozen=True, omit_defaults=True):
    """One event of an emit. `data` stays raw until its kind is looked up.

    Attributes:
        stream: where it goes; the writer needs authority there, not a subscription.
        seq: counted per (writer, stream) from 1, without holes.
        t: packed time, ms << 11 | counter.
        kind: one of the kinds in events.json.
        data: what its kind says.
        valid_ms: a control older than this is refused as `expired`.
        hints: neighbours for a later re-placement; kept, not read.
    """

    stream: StreamText
    seq: Seq
    t: Natural
    kind: Annotated[str, Meta(min_length=1, max_length=64)]
    data: Raw
    valid_ms: Natural | None = None
    hints: Raw | UnsetType = UNSET


class Emit(Struct, frozen=True, tag="emit"):
    """Events to admit. Each is answered by its own ack or nack; one bad event does not stop the others.

    Attributes:
        events: in the order they were made, at most `limits.emit_events` of the welcome.
    """

    events: list[EmittedEvent]


class Ping(Struct, frozen=True, tag="ping"):
    """Measures the clock's offset; answered by `pong`.

    Attributes:
        sent_ms: the client's clock, ms since the Unix epoch; comes back as it is.
    """

    sent_ms: Natural


class DigestRequest(Struct, frozen=True, tag="digest"):
    """Asks what the server holds of a stream, to prove that both agree; answered by `digest`."""

    stream: StreamText


ClientMessage: TypeAlias = Hello | Subscribe | Unsubscribe | Emit | Ping | DigestRequest

# --- from the server ---


class StreamWelcome(Struct, frozen=True):
    """How one stream begins.

    Attributes:
        stream: by its full name, also where `a:me` was asked for.
        next_seq: the seq that the server expects next of this writer on this stream.
        resume: what follows: the original deltas, changed cells, or a whole snapshot.
    """

    stream: str
    next_seq: Seq
    resume: Resume


class Limits(Struct, frozen=True):
    """Bounds of this server.

    Attributes:
        frame_bytes: one websocket message; beyond it the socket closes with 1009.
        event_bytes: one event's data as canonical JSON; beyond it `nack limit`.
        emit_events: events in one emit; beyond it `error limit`.
        subscriptions: streams of one connection; beyond it `error limit`.
    """

    frame_bytes: Natural
    event_bytes: Natural
    emit_events: Natural
    subscriptions: Natural


class Welcome(Struct, frozen=True, tag="welcome"):
    """Answers `hello`; what the streams hold follows.

    Attributes:
        writer: whom the events of all streams of this connection come from; another one than in hello means a fresh
            writer: renumber what is unacknowledged, and every reference to it.
        account: whose token it was.
        device: which device's.
        now_ms: the server's clock, ms since the Unix epoch.
        streams: in hello's order.
    """

    writer: str
    account: str
    device: str
    now_ms: Natural
    streams: list[StreamWelcome]
    limits: Limits


class Subscribed(StreamWelcome, frozen=True, tag="subscribed"):
    """Answers `subscribe`; what the stream holds follows.

    Attributes:
        stream: by its full name, also where `a:me` was asked for.
        next_seq: the seq that the server expects next of this writer on this stream.
        resume: what follows: the original deltas, changed cells, or a whole snapshot.
    """


class Unsubscribed(Struct, frozen=True, omit_defaults=True, tag="unsubscribed"):
    """Answers `unsubscribe`, or ends a subscription that the account may not have any more.

    Attributes:
        reason: why the server ended it; absent when the client asked.
    """

    stream: str
    reason: str | None = None


class Snapshot(Struct, frozen=True, omit_defaults=True, tag="snapshot"):
    """One part of a whole stream. It is built aside, with deltas that arrive meanwhile joined into it, and replaces the
    confirmed cells when the last part is there; pending events stay.

    Attributes:
        cells: `[key, rank, value]` each.
        part: counted from 0.
        last: said aloud although false could be left out: a reader should not have to know the default.
        cursor: comes with the last part.
    """

    stream: str
    cells: list[WireCell]
    part: Natural
    last: bool
    cursor: str | None = None


class By(Struct, frozen=True):
    """Who did it.

    Attributes:
        event: the event's id, `writer.seq`.
        t: packed time as admitted; the receiver's clock learns it.
    """

    account: str
    device: str
    kind: str
    event: str
    t: Natural


class Delta(Struct, frozen=True, omit_defaults=True, tag="delta"):
    """Changed cells: join them into the confirmed ones, then keep the cursor.

    Attributes:
        cells: `[key, rank, value]` each; none when only the cursor moves.
        cursor: everything before it has been sent.
        by: only where one original event stands behind the cells.
    """

    stream: str
    cells: list[WireCell]
    cursor: str | None = None
    by: By | None = None


class AckItem(Struct, frozen=True, omit_defaults=True, gc=False):
    """One admitted event is durable.

    Attributes:
        t: the time it was admitted with; the client adopts it.
        seen: it had been admitted before; its cells come by the cursor.
        cursor: only when every earlier delta of the stream was sent.
    """

    stream: str
    writer: str
    seq: Seq
    t: Natural
    seen: bool = False
    cursor: str | None = None


class Ack(Struct, frozen=True, omit_defaults=True, tag="ack"):
    """One ack in its own fields, or several in `acks`. In Python, read it through `items()`.

    Attributes:
        t: the time the event was admitted with; the client adopts it and moves the event into its confirmed cells.
        seen: it had been admitted before: drop the pending event without folding it, its cells come by the cursor.
        cursor: only when every earlier delta of the stream was sent.
        acks: several acks, in order; then the fields beside it are absent.
    """

    stream: str | None = None
    writer: str | None = None
    seq: Seq | None = None
    t: Natural | None = None
    seen: bool = False
    cursor: str | None = None
    acks: list[AckItem] | None = None

    def __post_init__(self) -> None:
        if self.acks is None and None in (self.stream, self.writer, self.seq, self.t):
            raise ValueError("an ack has stream, writer, seq and t, or acks")

    def items(self) -> list[AckItem]:
        """The acks it carries, in order."""
        if self.acks is not None:
            return self.acks
        assert self.stream is not None
        assert self.writer is not None
        assert self.seq is not None
        assert self.t is not None
        return [AckItem(self.stream, self.writer, self.seq, self.t, self.seen, self.cursor)]


class LoneAck(AckItem, frozen=True, tag="ack"):
    """An `Ack` in its own fields, as a server writes it: one for nearly every event."""

    @classmethod
    def of(cls, item: AckItem) -> LoneAck:
        """The message that carries one ack."""
        return cls(item.stream, item.writer, item.seq, item.t, item.seen, item.cursor)


class Nack(Struct, frozen=True, omit_defaults=True, tag="nack"):
    """An event was refused. The client drops it, but goes on with `expect` after `gap`, and sends again after
    `unavailable`.

    Attributes:
        message: a sentence for people; cut and escaped by `public_text`.
        expect: with `gap`, the seq to go on with.
    """

    stream: str
    seq: Seq
    reason: NackReason
    message: str
    expect: Seq | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "message", public_text(self.message))


class Pong(Struct, frozen=True, tag="pong"):
    """Answers `ping`.

    Attributes:
        sent_ms: the ping's.
        now_ms: the server's clock, ms since the Unix epoch.
    """

    sent_ms: Natural
    now_ms: Natural


class Digest(Struct, frozen=True, tag="digest"):
    """Answers `digest`: compare it with your own digest at the same cursor.

    Attributes:
        cursor: where the cells that were summed end.
        digest: 16 hex digits.
        cells: how many there are.
    """

    stream: str
    cursor: str
    digest: str
    cells: Natural


class Presence(Struct, frozen=True, tag="presence"):
    """A device of the stream came or went. Never in the log.

    Attributes:
        since_ms: server's clock, ms since the Unix epoch.
    """

    stream: str
    device: str
    online: bool
    since_ms: Natural


class Drain(Struct, frozen=True, omit_defaults=True, tag="drain"):
    """The gateway will close soon.

    Attributes:
        reconnect_after_ms: when to come back, spread over the connections.
        url: where to come back to; absent means here.
    """

    reconnect_after_ms: Natural
    url: str | None = None


class Error(Struct, frozen=True, omit_defaults=True, tag="error"):
    """A message was refused as a whole. The connection stays, unless a close follows.

    Attributes:
        code: a durable word: of an error, or of the close that follows.
        message: a sentence for people; cut and escaped by `public_text`.
        stream: which one it is about, where it is about one.
    """

    code: str
    message: str
    stream: str | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "message", public_text(self.message))


class ViewItem(Struct, frozen=True, rename={"from_": "from"}):
    """What plays: `from` is "context" or "queue"."""

    id: str
    track: str
    from_: str


class PlaybackNow(Struct, frozen=True):
    """What plays where.

    Attributes:
        device: the renderer's.
        play: id of the play, to seek in.
        epoch: id of its epoch, to pause and resume.
        generation: of the play within its epoch; next names it plus 1.
        position_ms: as of `as_of_ms`.
        as_of_ms: server's clock, ms since the Unix epoch.
        speed_permille: 1000 is normal speed.
    """

    device: str
    play: str
    epoch: str
    generation: Natural
    item: ViewItem
    position_ms: Natural
    as_of_ms: Natural
    playing: bool
    speed_permille: Natural


class QueueEntry(Struct, frozen=True):
    """One unconsumed entry of the queue."""

    id: str
    track: str


class View(Struct, frozen=True, tag="view"):
    """For small devices (`view: "now"`), after welcome and after every change.

    Attributes:
        playback: null when nothing was ever played.
        queue: the next 20 unconsumed entries.
    """

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

"""The client's side of one connection, without the connection: what was asked, what came, what is overdue.

    OPENING --hello()--> GREETING --welcome--> LIVE --close()--> CLOSED

and, for each stream of the connection,

    ASKED --welcome, subscribed--> CATCHING_UP --last part, cursor--> LIVE
          --tail-------------------------------------------------------^
    (any) --error or unsubscribed that names it--> REFUSED

The session assembles snapshots: their parts are kept aside, deltas and own events that arrive meanwhile are joined into
them, and the whole comes out as one `Replaced`. It watches what was asked and not answered, so that whoever owns the
socket can give it up after `ANSWER_TIMEOUT_S`. What messages mean for a device's state is the client's business.

In every message that leaves here the caller's own account stream is called `a:me`, whatever its account.
Source: design.md section 6.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from syncd.errors import UnexpectedMessage
from syncd.model.cells import Cell, Cells, fold
from syncd.protocol.codec import Codec
from syncd.protocol.messages import (
    Ack,
    ClientMessage,
    Delta,
    Digest,
    DigestRequest,
    Emit,
    EmittedEvent,
    Error,
    Hello,
    Nack,
    Ping,
    Pong,
    ServerMessage,
    Snapshot,
    StreamWelcome,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
    WireCell,
)

OWN_STREAM: Final = "a:me"
"""How a client names its own account's stream, before and after it knows the account."""

ANSWER_TIMEOUT_S = 10.0
"""From a question to its answer; then reconnect and ask again. Source: design.md section 6."""


class SessionState(Enum):
    """See the module's picture."""

    OPENING = "opening"
    GREETING = "greeting"
    LIVE = "live"
    CLOSED = "closed"


class StreamState(Enum):
    """See the module's picture."""

    ASKED = "asked"
    CATCHING_UP = "catching up"
    LIVE = "live"
    REFUSED = "refused"


class Replaced(Struct, frozen=True):
    """A snapshot is complete: its cells replace the confirmed ones of the stream. Pending events stay."""

    stream: str
    cells: Cells
    cursor: str | None


Heard: TypeAlias = ServerMessage | Replaced
Question: TypeAlias = tuple[str, str, int]
"""("hello", "", 0), ("event", stream, seq), ("subscribe", stream, 0), ("digest", stream, 0), ("ping", "", sent_ms)."""

_HELLO: Final[Question] = ("hello", "", 0)


class ClientSession:
    """Writes what a client says, reads what a server answers.

    Attributes:
        streams: what is known of each stream asked for on this connection, by its own name.
        next_seqs: below which seq the server had our writer's events when it took us in, by stream.
        account: whose connection it is; None before the welcome.
        passed_over: how many messages came of types that only a later version knows.
    """

    def __init__(self, codec: Codec) -> None:
        self.passed_over = 0
        self.codec = codec
        self.state = SessionState.OPENING
        self.streams: dict[str, StreamState] = {}
        self.next_seqs: dict[str, int] = {}
        self.account: str | None = None
        self._asked: dict[Question, float] = {}
        self._aside: dict[str, _Assembly] = {}

    # --- what the client says ---

    def hello(self, hello: Hello, *, now_s: float) -> bytes:
        """The first message. `now_s` is monotonic, here and below."""
        assert self.state is SessionState.OPENING
        self.state = SessionState.GREETING
        self.streams = {claim.stream: StreamState.ASKED for claim in hello.streams}
        return self._ask(hello, _HELLO, now_s=now_s)

    def emit(self, events: list[EmittedEvent], *, now_s: float) -> bytes:
        """Events, at most `limits.EMIT_EVENTS_MAX`. Each is overdue `ANSWER_TIMEOUT_S` from now."""
        assert self.state is SessionState.LIVE
        for event in events:
            self._asked["event", event.stream, event.seq] = now_s
        return self.codec.encode(Emit(events))

    def subscribe(self, claim: Subscribe, *, now_s: float) -> bytes:
        """Ask for one more stream."""
        assert self.state is SessionState.LIVE
        self.streams[claim.stream] = StreamState.ASKED
        return self._ask(claim, ("subscribe", claim.stream, 0), now_s=now_s)

    def unsubscribe(self, stream: str) -> bytes:
        """Let a stream go. What still comes of it may be used."""
        self.streams.pop(stream, None)
        self._aside.pop(stream, None)
        return self.codec.encode(Unsubscribe(stream))

    def ping(self, sent_ms: int, *, now_s: float) -> bytes:
        """Ask for the server's clock."""
        return self._ask(Ping(sent_ms), ("ping", "", sent_ms), now_s=now_s)

    def digest(self, stream: str, *, now_s: float) -> bytes:
        """Ask for the server's digest of a stream."""
        return self._ask(DigestRequest(stream), ("digest", stream, 0), now_s=now_s)

    # --- what the server answers ---

    def receive(self, payload: bytes) -> Heard | None:
        """One message from the server; None for a part of a snapshot that is not complete yet, and for what is passed
        over.

        Raises:
            Unreadable: no message of this protocol.
            UnexpectedMessage: anything but an error before the welcome, a second welcome, a part out of turn.
        """
        read = self.codec.decode_server(payload)
        if read is None:
            self.passed_over += 1
            return None
        message = self._named(read)
        if self.state is SessionState.GREETING and not isinstance(message, Welcome | Error):
            raise UnexpectedMessage(f"{_name(message)} before the welcome")
        match message:
            case Welcome():
                return self._welcomed(message)
            case Snapshot():
                return self._assemble(message)
            case Delta():
                return self._delta(message)
            case Ack():
                return self._acked(message)
            case Nack():
                self._nacked(message)
            case Subscribed():
                self._answered(("subscribe", message.stream, 0))
                self._resumes(message)
            case Unsubscribed() | Error():
                self._refused(message)
            case Digest():
                self._answered(("digest", message.stream, 0))
            case Pong():
                self._answered(("ping", "", message.sent_ms))
            case _:
                pass  # presence, drain and views answer nothing
        return message

    def confirm(self, stream: str, cells: Cells) -> None:
        """An own event was acknowledged: it belongs to the snapshot that is being assembled, if there is one."""
        assembly = self._aside.get(stream)
        if assembly is not None:
            fold(assembly.cells, cells)

    def close(self) -> None:
        """Nothing more is expected."""
        self.state = SessionState.CLOSED
        self._asked.clear()
        self._aside.clear()

    # --- what is still open ---

    def overdue(self, *, now_s: float) -> Question | None:
        """The question that has waited longest, if that is longer than `ANSWER_TIMEOUT_S`."""
        oldest = min(self._asked, key=self._asked.__getitem__, default=None)
        if oldest is None or now_s - self._asked[oldest] <= ANSWER_TIMEOUT_S:
            return None
        return oldest

    def in_flight(self, stream: str, seq: int) -> bool:
        """Whether an event was sent on this connection and is not answered."""
        return ("event", stream, seq) in self._asked

    @property
    def events_in_flight(self) -> int:
        """How many events wait for their answer."""
        return sum(question[0] == "event" for question in self._asked)

    def assembling(self, stream: str) -> bool:
        """Whether parts of a snapshot of this stream are kept aside."""
        return stream in self._aside

    # --- inside ---

    def _ask(self, message: ClientMessage, question: Question, *, now_s: float) -> bytes:
        self._asked[question] = now_s
        return self.codec.encode(message)

    def _answered(self, question: Question) -> None:
        self._asked.pop(question, None)

    def _named(self, message: ServerMessage) -> ServerMessage:
        """The message with the own stream under its own name. Acks and the welcome name several, and are read later."""
        stream: str | None = getattr(message, "stream", None)
        own = stream if stream is None else self._own(stream)
        return message if own == stream else replace(message, stream=own)

    def _own(self, stream: str) -> str:
        return OWN_STREAM if self.account is not None and stream == f"a:{self.account}" else stream

    def _welcomed(self, welcome: Welcome) -> Welcome:
        if self.state is not SessionState.GREETING:
            raise UnexpectedMessage("a second welcome")
        self.state = SessionState.LIVE
        self.account = welcome.account
        self._answered(_HELLO)
        streams = [replace(stream, stream=self._own(stream.stream)) for stream in welcome.streams]
        # What the welcome passes over was refused, or is beyond the server's bound.
        self.streams = dict.fromkeys(self.streams, StreamState.REFUSED)
        for stream in streams:
            self._resumes(stream)
        return replace(welcome, streams=streams)

    def _resumes(self, how: StreamWelcome | Subscribed) -> None:
        self.streams[how.stream] = StreamState.LIVE if how.resume == "tail" else StreamState.CATCHING_UP
        self.next_seqs[how.stream] = how.next_seq

    def _refused(self, message: Unsubscribed | Error) -> None:
        stream = message.stream
        if stream is None or (isinstance(message, Unsubscribed) and message.reason is None):
            return  # about nothing that we listen to: the latter answers our own unsubscribe
        self._answered(("subscribe", stream, 0))
        self._answered(("digest", stream, 0))
        state = self.streams.get(stream)
        if state is StreamState.ASKED or (state is not None and isinstance(message, Unsubscribed)):
            self.streams[stream] = StreamState.REFUSED
            self._aside.pop(stream, None)

    def _assemble(self, part: Snapshot) -> Replaced | None:
        if part.part == 0:
            self._aside[part.stream] = _Assembly()
            self.streams[part.stream] = StreamState.CATCHING_UP
        assembly = self._aside.get(part.stream)
        if assembly is None or part.part != assembly.parts:
            expected = 0 if assembly is None else assembly.parts
            raise UnexpectedMessage(f"part {part.part} of the snapshot of {part.stream}; {expected} was expected")
        assembly.parts += 1
        fold(assembly.cells, cells_of(part.cells))
        if not part.last:
            return None
        del self._aside[part.stream]
        self.streams[part.stream] = StreamState.LIVE
        return Replaced(part.stream, assembly.cells, part.cursor)

    def _delta(self, delta: Delta) -> Delta | None:
        assembly = self._aside.get(delta.stream)
        if assembly is not None:
            fold(assembly.cells, cells_of(delta.cells))
            return None
        if delta.cursor is not None and self.streams.get(delta.stream) is StreamState.CATCHING_UP:
            self.streams[delta.stream] = StreamState.LIVE
        return delta

    def _acked(self, ack: Ack) -> Ack:
        items = [replace(item, stream=self._own(item.stream)) for item in ack.items()]
        for item in items:
            self._answered(("event", item.stream, item.seq))
        return Ack(acks=items)

    def _nacked(self, nack: Nack) -> None:
        self._answered(("event", nack.stream, nack.seq))
        if nack.reason in ("gap", "unavailable"):
            # What was sent behind it is dropped without an answer, and has to be sent again.
            behind = nack.seq if nack.expect is None else nack.expect
            for kind, stream, seq in list(self._asked):
                if kind == "event" and stream == nack.stream and seq >= behind:
                    del self._asked[kind, stream, seq]


class _Assembly:
    """A snapshot under way: how many parts came, and what they hold together."""

    __slots__ = ("cells", "parts")

    def __init__(self) -> None:
        self.cells: Cells = {}
        self.parts = 0


def cells_of(wire: list[WireCell]) -> Cells:
    """The cells of a message; a key that is named twice is joined."""
    cells: Cells = {}
    fold(cells, ((key, Cell(rank, value)) for key, rank, value in wire))
    return cells


def _name(message: ServerMessage) -> str:
    return str(message.__struct_config__.tag)

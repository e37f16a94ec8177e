"""The server's side of one connection, without the connection: what may be said when.

    OPENING --hello--> GREETING --welcomed()--> LIVE
       |                  |                      |
       +------------------+----------------------+---- Broken, or close() ----> CLOSED

The client pushes `hello`, the gateway `welcomed()` and `close()`. In GREETING the client may already say everything but
hello; the gateway answers it after the welcome. The session decides whether a message belongs here; what it means is
the gateway's business.
"""

from __future__ import annotations

from enum import Enum

from syncd.errors import ProtocolError, Unreadable
from syncd.limits import EMIT_EVENTS_MAX
from syncd.protocol import close_codes
from syncd.protocol.close_codes import CloseCode
from syncd.protocol.codec import Codec
from syncd.protocol.messages import ClientMessage, Emit, Error, Hello
from syncd.protocol.partly_read import BrokenEmit


class SessionState(Enum):
    """See the module's picture."""

    OPENING = "opening"
    GREETING = "greeting"
    LIVE = "live"
    CLOSED = "closed"


_EMITS = (Emit, BrokenEmit)


class Broken(ProtocolError):
    """The peer broke a rule that ends the connection.

    Attributes:
        error: the message to send first.
        close: the code to close with.
    """

    def __init__(self, error: Error, close: CloseCode) -> None:
        super().__init__(error.message)
        self.error = error
        self.close = close


class ServerSession:
    """Reads what the client says and refuses what does not belong here.

    Attributes:
        state: read it, never set it.
    """

    __slots__ = ("_may_emit", "_text", "codec", "state")

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._text = codec.text
        self.state = SessionState.OPENING
        self._may_emit = False
        """Whether a hello came and nothing has ended the session: what nearly all messages want to know."""

    def receive(self, payload: bytes, *, text: bool) -> ClientMessage | BrokenEmit | Error:
        """One message from the client; an `Error` is the answer to a message that is refused as a whole.

        Never called after the close: what a peer sends then is not read.

        Raises:
            Broken: send its error, then close with its code.
        """
        if text is not self._text:
            got, want = ("text", "binary") if text else ("binary", "text")
            raise self._broken(close_codes.WRONG_FORMAT, f"a {got} frame; {self.codec.subprotocol} uses {want} frames")
        try:
            message = self.codec.decode_client(payload)
        except Unreadable as error:
            raise self._broken(close_codes.UNREADABLE, str(error)) from error
        if isinstance(message, _EMITS) and self._may_emit:
            if len(message.events) > EMIT_EVENTS_MAX:
                count = len(message.events)
                return Error("limit", f"{count} events in an emit; at most {EMIT_EVENTS_MAX}, none was taken")
            return message
        assert self.state is not SessionState.CLOSED, "the session is closed"
        if isinstance(message, Hello):
            if self.state is not SessionState.OPENING:
                raise self._broken(close_codes.UNEXPECTED_HELLO, "a second hello; a connection has one")
            self.state = SessionState.GREETING
            self._may_emit = True
        elif self.state is SessionState.OPENING:
            raise self._broken(close_codes.UNEXPECTED_HELLO, "the first message must be a hello")
        return message

    def welcomed(self) -> None:
        """The hello was answered."""
        assert self.state is SessionState.GREETING
        self.state = SessionState.LIVE

    def close(self) -> None:
        """Nothing more is expected."""
        self.state = SessionState.CLOSED
        self._may_emit = False

    def _broken(self, close: CloseCode, message: str) -> Broken:
        self.close()
        return Broken(Error(close.name, message), close)

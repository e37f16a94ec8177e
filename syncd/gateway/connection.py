"""One socket: bytes in, bytes out, and every deadline that a silent or stubborn peer meets.

What is said in the frames is the `Conversation`'s business. Messages go out as frames that were built once for all
subscribers, beside the library's own control frames. `websockets`' Sans-I/O protocol reads what comes; but nearly all
that comes is a plain request, one whole frame or a pong, and until something else does there is no parser: it would be
half of what an idle connection costs, and most of what it costs to come back.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from websockets.exceptions import InvalidMessage
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import Protocol, State
from websockets.server import ServerProtocol

from syncd.gateway.conversation import Conversation
from syncd.gateway.handshake import refusal
from syncd.gateway.outbox import Outbox
from syncd.gateway.parser import connection_parser, frame_parser
from syncd.gateway.whole_frame import PING, TEXT, is_pong, payload_of, payloads_of
from syncd.limits import HELLO_TIMEOUT_S, PING_INTERVAL_S, PING_TIMEOUT_S
from syncd.protocol import close_codes
from syncd.protocol.close_codes import CloseCode
from syncd.protocol.codec import Codec, codec_for
from syncd.protocol.public_text import close_reason

if TYPE_CHECKING:
    from syncd.gateway.gateway import Gateway

FRAGMENTS_MAX = 1_000
"""Frames of one message: empty fragments cost the sender nothing, and would otherwise never end."""
CLOSE_TIMEOUT_S = 2.0
"""Between our close frame and the end of the TCP connection."""
_NOT_HTTP = b"that is no HTTP request; a websocket begins with GET\n"
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"


class Connection:
    """See the module. States are those of the websocket: CONNECTING, OPEN, CLOSING, CLOSED.

    It is an `asyncio.Protocol` without being derived from it: compiled, a class below an interpreted one keeps its
    attributes where the interpreter would, and is as slow.
    """

    __slots__ = (
        "_deadline", "_fragments", "_fragments_text", "_gateway", "_heard_s", "_is_heard", "_loop", "_ping_sent",
        "_reader", "_transport", "_ws", "conversation", "outbox",
    )  # fmt: skip

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._ws: Protocol | None = None
        """The parser, once it is needed."""
        self._fragments: list[bytes] = []
        self._fragments_text = False
        self.conversation: Conversation | None = None
        self._reader: Conversation | None = None
        """The conversation, while the socket is open and the parser holds nothing, neither of a frame nor of a
        fragmented message: then whole frames are read without it."""
        self.outbox: Outbox | None = None
        self._is_heard = False
        """Whether anything came since the last look of `keep_alive`, which is when it counts as heard."""
        self._heard_s = 0.0
        self._ping_sent = False

    # --- asyncio's side ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._loop = self._gateway.loop
        self._heard_s = self._loop.time()
        self._deadline: asyncio.TimerHandle | None = self._loop.call_later(HELLO_TIMEOUT_S, self._no_hello)
        self._gateway.connection_made(self)

    def data_received(self, data: bytes) -> None:
        self._is_heard = True
        reader = self._reader
        if reader is not None:
            if (payload := payload_of(data)) is not None:
                reader.receive(payload, text=data[0] == TEXT)
                return
            if is_pong(data) or self._several_frames(data):
                return
        elif self._ws is None and self._plain_handshake(data):
            return
        self._parse(data)

    def _several_frames(self, data: bytes) -> bool:
        """Read the messages of a burst; False leaves it to the parser."""
        payloads = payloads_of(data)
        if payloads is None:
            return False
        for payload in payloads:
            if self._reader is not None:  # else one before it has ended the conversation
                self._reader.receive(payload, text=data[0] == TEXT)
        return True

    def _parse(self, data: bytes) -> None:
        """Whatever is not simply one message: other handshakes, parts of frames, several, control frames, nonsense."""
        ws = self._parser()
        ws.receive_data(data)
        for event in ws.events_received():
            if isinstance(event, Frame):
                self._frame(event)
            else:
                self._handshake(cast(Request, event))
        if ws.state is State.CONNECTING and ws.handshake_exc is not None:
            self._not_http()
        self._pump()
        if ws.state is State.CLOSING or ws.state is State.CLOSED:
            self._end_conversation()
        is_whole = ws.state is State.OPEN and ws.current_size is None and not ws.reader.buffer
        self._reader = self.conversation if is_whole else None

    def eof_received(self) -> None:
        if self._ws is not None:
            self._ws.receive_eof()
            self._pump()
        self._end_conversation()

    def pause_writing(self) -> None:
        if self.outbox is not None:
            self._gateway.metrics.slow_spells += 1
            self.outbox.pause()

    def resume_writing(self) -> None:
        if self.outbox is not None:
            self.outbox.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        if self.conversation is not None:
            # A close frame of the peer is answered by its own code.
            sent = None if self._ws is None else self._ws.close_sent
            self._gateway.metrics.closes.add(str(close_codes.ABNORMAL.code if sent is None else int(sent.code)))
        self._end_conversation()
        # They know us: as a cycle all three would stay until the collector comes, and thousands of them stall it.
        self.conversation = self.outbox = None
        self._gateway.connection_lost(self)

    # --- the conversation's side ---

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Say why, and close; once. What was written before it is sent first."""
        ws = self._parser()
        if ws.state is State.OPEN:
            ws.send_close(code.code, close_reason(reason or code.reason))
            self._pump()
            self._end_conversation()
            self._arm(CLOSE_TIMEOUT_S, self.abort)
        elif ws.state is State.CONNECTING:
            self.abort()
        else:
            self._end_conversation()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._transport.abort()

    def pause_reading(self) -> None:
        """Read no more until `resume_reading`."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on reading, unless the outbox is congested: then it will."""
        if not self._transport.is_closing() and not (self.outbox is not None and self.outbox.congested):
            self._transport.resume_reading()

    def greeted(self) -> None:
        """Hello came; its deadline is met."""
        self._disarm()

    def keep_alive(self, now_s: float) -> None:
        """Ping a silent peer; abort one that does not answer. Asked every few seconds."""
        if self._is_heard:
            self._is_heard = self._ping_sent = False
            self._heard_s = now_s
            return
        silent_s = now_s - self._heard_s
        if silent_s > PING_INTERVAL_S + PING_TIMEOUT_S:
            self.abort()
        elif silent_s > PING_INTERVAL_S and not self._ping_sent and self._is_open:
            self._ping_sent = True
            self._transport.write(PING)

    # --- inside ---

    @property
    def _is_open(self) -> bool:
        return self.outbox is not None and (self._ws is None or self._ws.state is State.OPEN)

    def _parser(self) -> Protocol:
        """The library's protocol: of frames where the handshake is over, else of the whole connection."""
        if self._ws is None:
            logger = self._gateway.ws_logger
            self._ws = connection_parser(logger) if self.outbox is None else frame_parser(logger)
        return self._ws

    def _plain_handshake(self, data: bytes) -> bool:
        """Answer a request that is here as a whole and fine; False leaves it to the library."""
        gateway = self._gateway
        upgrade = None if gateway.refusal() is not None else gateway.upgrades.answer(data)
        if upgrade is None:
            return False
        self._transport.write(upgrade.response)
        self._opened(upgrade.codec)
        self._reader = self.conversation
        return True

    def _handshake(self, request: Request) -> None:
        ws = self._ws
        assert isinstance(ws, ServerProtocol), "only that one reads requests"
        refused = self._gateway.refusal() or refusal(request, origins=self._gateway.origins)
        if refused is not None:
            status, text = refused
            self._gateway.metrics.handshakes_refused.add(status.phrase.lower())
            ws.send_response(ws.reject(status, text))
            return
        response = ws.accept(request)
        ws.send_response(response)
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            self._opened(codec_for(ws.subprotocol))

    def _opened(self, codec: Codec) -> None:
        """The handshake is answered; messages may come and go."""
        self.outbox = Outbox(
            codec, self._transport, self._gateway.hub.turn, on_drained=self._drained, on_overflow=self._overflow
        )  # fmt: skip
        self.conversation = Conversation(self._gateway, self, self.outbox)

    def _not_http(self) -> None:
        """Say why what came is no handshake; the library says so only where it could read the request."""
        assert self._ws is not None
        if isinstance(self._ws.handshake_exc, InvalidMessage) and not self._transport.is_closing():
            self._gateway.metrics.handshakes_refused.add("no http")
            self._transport.write(_BAD_REQUEST + b"Content-Length: %d\r\n\r\n" % len(_NOT_HTTP) + _NOT_HTTP)
            self._ws.handshake_exc = None

    def _frame(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            if frame.fin:
                self._message(frame.data, text=opcode is Opcode.TEXT)
            else:
                self._fragments = [bytes(frame.data)]
                self._fragments_text = opcode is Opcode.TEXT
        elif opcode is Opcode.CONT:
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                fragments, self._fragments = self._fragments, []
                self._message(b"".join(fragments), text=self._fragments_text)
            elif len(self._fragments) > FRAGMENTS_MAX:
                self.close(close_codes.MESSAGE_TOO_BIG, f"over {FRAGMENTS_MAX} fragments in one message")

    def _message(self, payload: bytes | bytearray | memoryview, *, text: bool) -> None:
        # What came before the peer's own close frame counts, also when the parser has seen that already.
        if self.conversation is not None and not self.conversation.is_closed:
            self.conversation.receive(bytes(payload), text=text)

    def _pump(self) -> None:
        """Send what the library has to say: the handshake, pongs, close frames, the end."""
        ws = self._ws
        assert ws is not None
        if self.outbox is not None:
            self.outbox.flush()
        for data in ws.data_to_send():
            if data:
                self._transport.write(data)
            else:
                # Half-close is what the library asks for; whoever does not answer it meets the close timeout.
                self._half_close()
                self._arm(CLOSE_TIMEOUT_S, self.abort)
        if ws.state is State.CLOSING and self._deadline is None:
            self._arm(CLOSE_TIMEOUT_S, self.abort)

    def _half_close(self) -> None:
        if self._transport.can_write_eof() and not self._transport.is_closing():
            try:
                self._transport.write_eof()
            except OSError:  # the peer is gone, and answered our close frame with a reset
                self.abort()

    def _end_conversation(self) -> None:
        """Nothing more is said, from the close frame on; twice is harmless."""
        self._reader = None
        if self.outbox is not None:
            self.outbox.close()
        if self.conversation is not None:
            self.conversation.closed()

    def _drained(self) -> None:
        if self.conversation is not None:
            self.conversation.drained()

    def _overflow(self) -> None:
        self.close(close_codes.TOO_SLOW)

    def _no_hello(self) -> None:
        self._deadline = None
        self.close(close_codes.NO_HELLO)

    def _arm(self, delay_s: float, callback: object) -> None:
        self._disarm()
        assert callable(callback)
        self._deadline = self._loop.call_later(delay_s, callback)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

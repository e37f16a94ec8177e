"""Two wire formats of the same messages.

A codec turns bytes into messages and messages into bytes. Bytes that are no message raise `Unreadable` with a text that
says where. An emit is read event by event when it does not decode as a whole, so that one bad event does not hide which
one it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import Raw

from syncd.errors import Unreadable
from syncd.limits import NESTING_MAX
from syncd.protocol.depth import check_depth_json, check_depth_msgpack
from syncd.protocol.framing import COMMON_BYTES, HEADERS, frame
from syncd.protocol.messages import ClientMessage, EmittedEvent, Nack, ServerMessage
from syncd.protocol.partly_read import Address, BrokenEmit, RawEmit, Typed
from syncd.protocol.version import SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK

Side: TypeAlias = Literal["client", "server"]
"""Who says it."""

_NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoders raise. Depth is checked before a client's bytes are decoded; a server's are not checked."""


def _types(union: Any) -> list[str]:
    return sorted(message.__struct_config__.tag for message in get_args(union))


_TYPES: Final[dict[Side, list[str]]] = {"client": _types(ClientMessage), "server": _types(ServerMessage)}


class Codec:
    """One wire format.

    Attributes:
        name: "json" or "msgpack".
        subprotocol: the name that the handshake negotiates.
        text: whether its frames are text frames.
    """

    def __init__(self, *, name: Literal["json", "msgpack"]) -> None:
        self.name: Final = name
        self.text: Final = name == "json"
        self.subprotocol: Final = SUBPROTOCOL_JSON if self.text else SUBPROTOCOL_MSGPACK
        self._check_depth: Callable[[bytes], None] = check_depth_json if self.text else check_depth_msgpack
        module: Any = msgspec.json if self.text else msgspec.msgpack
        self._headers = HEADERS[self.text]
        self.encode: Callable[[Any], bytes] = module.Encoder().encode
        """The bytes of a message."""
        self._decode_client: Callable[[bytes], ClientMessage] = module.Decoder(ClientMessage).decode
        self._decode_server: Callable[[bytes], ServerMessage] = module.Decoder(ServerMessage).decode
        self._decode_typed: Callable[[bytes], Typed] = module.Decoder(Typed).decode
        self._decode_raw_emit: Callable[[bytes], RawEmit] = module.Decoder(RawEmit).decode
        self._decode_event: Callable[[Raw], EmittedEvent] = module.Decoder(EmittedEvent).decode
        self._decode_address: Callable[[Raw], Address] = module.Decoder(Address).decode
        self._decode_value: Callable[[bytes | Raw], object] = module.Decoder().decode

    def framed(self, message: Any) -> bytes:
        """A message as one whole websocket frame of a server."""
        payload = self.encode(message)
        length = len(payload)
        # As `frame`, which asks the same once more: most messages are short, and this is once or twice an event.
        return self._headers[length] + payload if length < COMMON_BYTES else frame(payload, text=self.text)

    def decode_client(self, data: bytes) -> ClientMessage | BrokenEmit:
        """What a client said.

        Raises:
            Unreadable: no message of this protocol; the text says where and why.
        """
        if not self.text or data.count(b"[") + data.count(b"{") > NESTING_MAX:  # few brackets need no look
            self._check_depth(data)
        try:
            return self._decode_client(data)
        except msgspec.ValidationError as error:
            broken = self._broken_emit(data)
            if broken is None:
                raise Unreadable(self._why(error, data, "client")) from error
            return broken
        except _NOT_DECODED as error:
            raise Unreadable(self._why(error, data, "client")) from error

    def decode_server(self, data: bytes) -> ServerMessage | None:
        """What a server said.

        Returns:
            None for a message of a type that is not known here. A later version may add some without a new
            subprotocol, and who asked for nothing of it may pass it over.

        Raises:
            Unreadable: no message of this protocol.
        """
        try:
            return self._decode_server(data)
        except msgspec.ValidationError as error:
            if self._is_of_later_version(data):
                return None
            raise Unreadable(self._why(error, data, "server")) from error
        except _NOT_DECODED as error:
            raise Unreadable(self._why(error, data, "server")) from error

    def decode_value(self, data: bytes | Raw) -> object:
        """Any value of this format, as a raw part of a message.

        Raises:
            Unreadable: a raw part is only skipped when its message is decoded, so it may still hold broken text.
        """
        try:
            return self._decode_value(data)
        except _NOT_DECODED as error:
            raise Unreadable(self._why(error, bytes(data), "client")) from error

    def _is_of_later_version(self, data: bytes) -> bool:
        try:
            return self._decode_typed(data).type not in _TYPES["server"]
        except _NOT_DECODED:
            return False

    def _broken_emit(self, data: bytes) -> BrokenEmit | None:
        """The emit event by event, or None when it is no emit or an event does not even tell its stream and seq."""
        try:
            raw = self._decode_raw_emit(data)
            return BrokenEmit([self._event_or_nack(event) for event in raw.events])
        except _NOT_DECODED:
            return None

    def _event_or_nack(self, raw: Raw) -> EmittedEvent | Nack:
        try:
            return self._decode_event(raw)
        except _NOT_DECODED as error:
            address = self._decode_address(raw)
            return Nack(address.stream, address.seq, "invalid", self._why(error, bytes(raw), "client"))

    def _why(self, error: Exception, data: bytes, side: Side) -> str:
        """A decoder's complaint, in words that help whoever wrote the bytes."""
        if isinstance(error, msgspec.ValidationError):
            text = str(error)
            about_type = text.endswith(("at `$.type`", "missing required field `type`"))
            return f"a {side} says {', '.join(_TYPES[side])}: {text}" if about_type else text
        if isinstance(error, UnicodeDecodeError):
            return f"not {self.name}: text that is not UTF-8, {error.reason}"
        if isinstance(error, RecursionError):
            return f"not {self.name}: it nests too deep to be read"
        if self.text and _is_lone_surrogate(error, data):
            return "not json: a string holds half of a surrogate pair"
        return f"not {self.name}: {error}"


def _is_lone_surrogate(error: Exception, data: bytes) -> bool:
    """Whether that is what our decoder complains of: it may call it "truncated". The standard library reads it."""
    if not any(word in str(error) for word in ("truncated", "surrogate")):
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


JSON: Final = Codec(name="json")
MSGPACK: Final = Codec(name="msgpack")
CODECS: Final = {codec.subprotocol: codec for codec in (JSON, MSGPACK)}


def codec_for(subprotocol: str | None) -> Codec:
    """The codec of a negotiated subprotocol; JSON when none was asked for."""
    return JSON if subprotocol is None else CODECS[subprotocol]

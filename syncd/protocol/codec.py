"""Two wire formats of the same messages.

A codec turns bytes into messages and messages into bytes. Bytes that are no message raise `Unreadable` with a text that
says where. An emit is read event by event when it does not decode as a whole, so that one bad event does not hide which
one it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, cast

import msgspec
from msgspec import Meta, Raw, Struct

from syncd.errors import Unreadable
from syncd.protocol.depth import check_depth_json, check_depth_msgpack
from syncd.protocol.messages import ClientMessage, Emit, EmittedEvent, Nack, Seq, ServerMessage, StreamText
from syncd.protocol.version import SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK


class _Address(Struct, frozen=True):
    """The least that a refused event must show to be answered by a nack."""

    stream: StreamText
    seq: Seq


class _RawEmit(Struct, frozen=True):
    type: Annotated[str, Meta(pattern="^emit$")]
    events: list[Raw]


class BrokenEmit(Struct, frozen=True):
    """An emit in which some events could not be read: each is an event, or the nack that answers it, in order."""

    events: list[EmittedEvent | Nack]


class Codec:
    """One wire format.

    Attributes:
        subprotocol: the name that the handshake negotiates.
        text: whether its frames are text frames.
    """

    def __init__(self, *, name: Literal["json", "msgpack"]) -> None:
        self.name: Final = name
        self.text: Final = name == "json"
        self.subprotocol: Final = SUBPROTOCOL_JSON if self.text else SUBPROTOCOL_MSGPACK
        self._check_depth: Callable[[bytes], None] = check_depth_json if self.text else check_depth_msgpack
        module: Any = msgspec.json if self.text else msgspec.msgpack
        self.encode: Callable[[Any], bytes] = module.Encoder().encode
        """The bytes of a message."""
        self._decode_client: Callable[[bytes], ClientMessage] = module.Decoder(ClientMessage).decode
        self._decode_server: Callable[[bytes], ServerMessage] = module.Decoder(ServerMessage).decode
        self._decode_raw_emit: Callable[[bytes], _RawEmit] = module.Decoder(_RawEmit).decode
        self._decode_event: Callable[[Raw], EmittedEvent] = module.Decoder(EmittedEvent).decode
        self._decode_address: Callable[[Raw], _Address] = module.Decoder(_Address).decode
        self._decode_value: Callable[[bytes], object] = module.Decoder().decode

    def decode_client(self, data: bytes) -> ClientMessage | BrokenEmit:
        """What a client said.

        Raises:
            Unreadable: no message of this protocol; the text says where and why.
        """
        self._check_depth(data)
        try:
            return self._decode_client(data)
        except msgspec.ValidationError as error:
            broken = self._broken_emit(data)
            if broken is None:
                raise Unreadable(str(error)) from error
            return broken
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(f"not {self.name}: {error}") from error

    def decode_server(self, data: bytes) -> ServerMessage:
        """What a server said.

        Raises:
            Unreadable: no message of this protocol.
        """
        try:
            return self._decode_server(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unreadable(f"not a message in {self.name}: {error}") from error

    def decode_value(self, data: bytes) -> object:
        """Any value of this format, as a raw part of a message."""
        return self._decode_value(data)

    def _broken_emit(self, data: bytes) -> BrokenEmit | None:
        """The emit event by event, or None when it is no emit or an event does not even tell its stream and seq."""
        try:
            raw = self._decode_raw_emit(data)
            return BrokenEmit([self._event_or_nack(event) for event in raw.events])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _event_or_nack(self, raw: Raw) -> EmittedEvent | Nack:
        try:
            return self._decode_event(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            address = self._decode_address(raw)
            return Nack(address.stream, address.seq, "invalid", str(error))


JSON: Final = Codec(name="json")
MSGPACK: Final = Codec(name="msgpack")
CODECS: Final = {codec.subprotocol: codec for codec in (JSON, MSGPACK)}


def codec_for(subprotocol: str | None) -> Codec:
    """The codec of a negotiated subprotocol; JSON when none was asked for."""
    return JSON if subprotocol is None else cast(Codec, CODECS[subprotocol])

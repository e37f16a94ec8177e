"""What is read of a message that does not decode as a whole."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from syncd.protocol.messages import EmittedEvent, Nack, Seq


class Address(Struct, frozen=True):
    """The least that a refused event must show to be answered by a nack; the nack repeats its stream, good or not."""

    stream: Annotated[str, Meta(max_length=160)]
    seq: Seq


class Typed(Struct, frozen=True):
    """The least that a message must show to be one of a later version."""

    type: str


class RawEmit(Struct, frozen=True):
    # A tag of a lone struct may be missing, and then anything with `events` would be an emit.
    type: Literal["emit"]
    events: list[Raw]


class BrokenEmit(Struct, frozen=True):
    """An emit in which some events could not be read: each is an event, or the nack that answers it, in order."""

    events: list[EmittedEvent | Nack]

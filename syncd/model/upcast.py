"""How old events are read: a record keeps the schema version it was written in, and is lifted step by step.

An upcaster takes an event of version n to version n + 1; it may change the kind as well as the data. There is none yet.
Events change by four rules: new fields have defaults, none changes type, none is reused, removal is a new event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from syncd.errors import Undecodable, UpcastFailed
from syncd.model.canonical import Json
from syncd.model.events import EVENTS

Upcaster: TypeAlias = Callable[[str, Json], tuple[str, Json]]
"""(kind, data as plain JSON) of version n -> the same of version n + 1."""

UPCASTERS: tuple[Upcaster, ...] = ()
"""The n-th from the start lifts version n + 1 to n + 2."""
SCHEMA_VERSION = len(UPCASTERS) + 1
"""What this program writes; the newest it can read."""

_decode_plain = msgspec.json.Decoder().decode
_DECODERS = {kind: msgspec.json.Decoder(type_).decode for kind, type_ in EVENTS.items()}


def upcast(version: int, kind: str, data: Json, *, upcasters: tuple[Upcaster, ...] = UPCASTERS) -> tuple[str, Json]:
    """Lift an event to the newest version.

    Args:
        version: the schema version it was written in, from 1.
        data: plain JSON.

    Raises:
        UpcastFailed: the version is newer than this program, or no version, or an upcaster cannot read the data.
    """
    newest = len(upcasters) + 1
    if not 1 <= version <= newest:
        raise UpcastFailed(f"schema version {version} of {kind}, this program reads 1 to {newest}")
    for step in range(version, newest):
        try:
            kind, data = upcasters[step - 1](kind, data)
        except (LookupError, TypeError, ValueError) as error:
            raise UpcastFailed(f"{kind} of schema version {step} cannot be lifted to {step + 1}") from error
    return kind, data


def event_data(version: int, kind: str, raw_json: bytes | msgspec.Raw) -> tuple[str, Any]:
    """Read a record's data as this version's events have it.

    Returns:
        The kind, which an upcaster may have changed, and the data: the struct of that kind, or, for a kind that this
        version does not know, plain JSON.

    Raises:
        UpcastFailed: see `upcast`.
        Undecodable: it is no JSON, or not what its kind says.
    """
    try:
        if version == SCHEMA_VERSION:
            return kind, _DECODERS.get(kind, _decode_plain)(raw_json)
        kind, plain = upcast(version, kind, _decode_plain(raw_json), upcasters=UPCASTERS)
        return kind, msgspec.convert(plain, EVENTS[kind]) if kind in EVENTS else plain
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(f"data of {kind}, schema version {version}: {error}") from error

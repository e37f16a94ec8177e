"""The documents of `schemas/` that are made from types and tables: events, messages, close codes, errors."""

from __future__ import annotations

from typing import Any, TypeAlias, get_args

from syncd import errors
from syncd.errors import SyncdError
from syncd.model.events import EVENTS, SERVER_KINDS
from syncd.operations.schemas.json_schema import DIALECT, Schema, definitions, inline, paragraphs, reference
from syncd.protocol.close_codes import DUTIES, FAMILIES, TABLE, close_of, then
from syncd.protocol.messages import ClientMessage, ServerMessage

Document: TypeAlias = dict[str, Any]

# The one kind whose data is a map of the client's own keys, so no struct, has its words here.
_SETTINGS_CHANGED: Schema = {
    "title": "SettingsChanged",
    "description": (
        "One register for each key: one key per thing chosen, never a blob. Device-scoped keys read `<device>/<key>`."
    ),
    **inline(EVENTS["settings.changed"]),
}
_NOT_STRUCTS = {"settings.changed": _SETTINGS_CHANGED}


def data_name(kind: str) -> str:
    """The name of the definition of a kind's data."""
    return str(_NOT_STRUCTS[kind]["title"]) if kind in _NOT_STRUCTS else EVENTS[kind].__name__


def event_definitions() -> dict[str, Schema]:
    """The data of every kind, by the name of its type."""
    named = {schema["title"]: schema for schema in _NOT_STRUCTS.values()}
    return dict(sorted({**definitions(EVENTS.values()), **named}.items()))


def events() -> Document:
    """`kind` and `data` of every event, as a union that `kind` tells apart."""
    return {
        "$schema": DIALECT,
        "title": "Event",
        "description": "An event's kind and the data of that kind; `EmittedEvent` in messages.json is around it.",
        "oneOf": [_event(kind) for kind in EVENTS],
        "$defs": event_definitions(),
    }


def _event(kind: str) -> Schema:
    written = {"description": "Written by servers only."} if kind in SERVER_KINDS else {}
    return {
        "title": f"{data_name(kind)}Event",
        **written,
        "type": "object",
        "properties": {"kind": {"const": kind}, "data": reference(data_name(kind))},
        "required": ["kind", "data"],
    }


def messages() -> Document:
    """Every message, and the two unions of what a client and a server may say."""
    unions = {"ClientMessage": ClientMessage, "ServerMessage": ServerMessage}
    titles = {"ClientMessage": "What a client may say.", "ServerMessage": "What a server may say."}
    defs = definitions([ClientMessage, ServerMessage])
    for name, union in unions.items():
        members = [reference(message.__name__) for message in get_args(union)]
        defs[name] = {"title": name, "description": titles[name], "oneOf": members}
    return {
        "$schema": DIALECT,
        "title": "Message",
        "description": "One message of the wire, in JSON and in MessagePack alike. Unknown fields are ignored.",
        "oneOf": [reference(name) for name in unions],
        "$defs": dict(sorted(defs.items())),
    }


def close_codes() -> Document:
    """Why a socket closed, and what the client does next."""
    return {
        "about": "Close codes. A code that is not here counts by its first two digits, then as `otherwise`.",
        "codes": [{"code": row.code, "name": row.name, "reason": row.reason, "then": row.then.value} for row in TABLE],
        "families": {str(digits): duty.value for digits, duty in FAMILIES.items()},
        "otherwise": then(0).value,
        "then": {duty.value: text for duty, text in DUTIES.items()},
    }


def error_classes(root: type[SyncdError] = SyncdError) -> list[type[SyncdError]]:
    """The tree of errors.py, parents before children, in the order of that file."""
    below = [child for child in root.__subclasses__() if child.__module__ == errors.__name__]
    return [root, *(each for child in below for each in error_classes(child))]


def family_of(error: type[SyncdError]) -> type[SyncdError]:
    """The family an error belongs to: the class right below the root."""
    return error if error is SyncdError else error.__mro__[error.__mro__.index(SyncdError) - 1]


def error_codes() -> Document:
    """The durable words of errors: what programs may match on."""
    return {
        "about": "Codes of errors. `close`: the code that a connection closes with; null: it is answered, or not met.",
        "errors": [
            {
                "code": error.code,
                "family": family_of(error).code,
                "retryable": error.retryable,
                "close": closes.code if (closes := close_of(error)) is not None else None,
                "meaning": paragraphs(error),
            }
            for error in error_classes()
            if error is not SyncdError
        ],
    }

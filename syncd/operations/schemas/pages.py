"""The pages of docs/reference that are made from the same data as the schemas, and so cannot say anything else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import get_args

from syncd import limits
from syncd.errors import SyncdError
from syncd.limits import SAFE_INTEGER_MAX
from syncd.model.events import EVENTS, SERVER_KINDS
from syncd.model.ids import EVENT_ID_PATTERN, ITEM_ID_PATTERN, WRITER_PATTERN
from syncd.model.lowering import lower
from syncd.model.stamp import STAMP_LENGTH
from syncd.model.validate import stream_accepts
from syncd.operations.schemas.documents import data_name, error_classes, event_definitions, messages
from syncd.operations.schemas.json_schema import Schema, paragraphs
from syncd.operations.schemas.samples.events import ACCOUNT, PLAYLIST, SAMPLES
from syncd.operations.schemas.samples.messages import client_messages, server_messages
from syncd.protocol.close_codes import DUTIES, FAMILIES, TABLE, Then, close_of, then
from syncd.protocol.codec import JSON
from syncd.protocol.messages import PLAIN_PATTERN, ClientMessage, ServerMessage
from syncd.protocol.version import PATH, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK

_MADE = "<!-- made by `syncd schemas`; change the types, then run it again -->\n"


def protocol_page() -> str:
    """Every message: what it is for, its fields, an example."""
    definitions = messages()["$defs"]
    shared = sorted(definitions.keys() - {m.__name__ for m in get_args(ClientMessage) + get_args(ServerMessage)})
    said = [*client_messages(JSON), *server_messages()]
    lines = [
        "# Protocol",
        "",
        _MADE,
        f"Websocket at `{PATH}`. Subprotocol `{SUBPROTOCOL_JSON}` speaks text frames, and is spoken when none is asked "
        f"for; `{SUBPROTOCOL_MSGPACK}` speaks binary frames of the same structures. Field `type` names the message; "
        "receivers ignore fields that they do not know. A field with a question mark may be left out.",
        "",
        f"Bounds: {limits.FRAME_BYTES_MAX} bytes a frame, {limits.EVENT_BYTES_MAX} bytes an event's data as canonical "
        f"JSON, {limits.EMIT_EVENTS_MAX} events an emit, {limits.SUBSCRIPTIONS_MAX} streams a connection, "
        f"{limits.NESTING_MAX} levels of nesting, {limits.HELLO_TIMEOUT_S:g} s until the hello. "
        "Why a connection closes, and what to do then: [close codes](close-codes.md). What `data` holds: "
        "[events](events.md).",
    ]
    for heading, union in (("From the client", ClientMessage), ("From the server", ServerMessage)):
        lines += ["", f"## {heading}"]
        for message in get_args(union):
            examples = [one.message for one in said if type(one.message) is message]
            lines += _section(message.__struct_config__.tag, definitions[message.__name__])
            lines += ["", *_code(JSON.encode(example).decode() for example in examples)]
    lines += ["", "## Inside messages"]
    for name in shared:
        if "properties" in definitions[name]:
            lines += _section(name, definitions[name])
    return "\n".join(lines) + "\n"


def events_page() -> str:
    """Every kind of event: its data, an example, the cells that the example writes."""
    definitions = event_definitions()
    lines = [
        "# Events",
        "",
        _MADE,
        "The `data` of each kind, and what it writes: lines of key, rank, value, made by lowering the example. "
        "A field with a question mark may be left out; unknown fields are refused.",
        "",
        f"Json: {definitions['Json']['description']}",
    ]
    for kind in EVENTS:
        lines += _section(kind, definitions[data_name(kind)])
        streams = [
            name for stream, name in ((ACCOUNT, "accounts"), (PLAYLIST, "playlists")) if stream_accepts(kind, stream)
        ]
        written = (
            " Written by servers only; a client that emits it is told `forbidden`." if kind in SERVER_KINDS else ""
        )
        lines += ["", f"In streams of {' and '.join(streams)}.{written}", ""]
        sample = next(sample for sample in SAMPLES if sample.kind == kind)
        cells = lower(sample.event())
        lines += _code([_json(sample.data), *(_json([key, cell.rank, cell.value]) for key, cell in cells.items())])
    for name in ("ListItem", "PlayedItem", "Shuffle"):
        lines += _section(name, definitions[name])
    return "\n".join(lines) + "\n"


def close_codes_page() -> str:
    """The table, and what the client does."""
    rows = [(f"`{row.code}`", f"`{row.name}`", row.reason, row.then.value) for row in TABLE]
    families = [f"`{digits}xx`: {duty.value}" for digits, duty in FAMILIES.items()]
    lines = [
        "# Close codes",
        "",
        _MADE,
        *_table(("code", "name", "reason", "then"), rows),
        "",
        "What the client does then:",
        "",
        *(f"- **{duty.value}**: {DUTIES[duty]}." for duty in Then),
        "",
        f"A code that is not in the table counts by its family ({', '.join(families)}), any other as {then(0).value}.",
    ]
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """Every code, by family."""
    rows = [
        (
            f"`{error.code}`" if error.__base__ is not SyncdError else f"**`{error.code}`**",
            _one_line(paragraphs(error)),
            "yes" if error.retryable else "no",
            f"`{closes.code}`" if (closes := close_of(error)) is not None else "-",
        )
        for error in error_classes()
        if error is not SyncdError
    ]
    lines = [
        "# Errors",
        "",
        _MADE,
        "Codes are durable; programs may match on them. A family is in bold, its members follow it. Of one that closes "
        "the connection the [close code](close-codes.md) is given; the others are answered, or meet no connection.",
        "",
        *_table(("code", "meaning", "try again", "closes"), rows),
    ]
    return "\n".join(lines) + "\n"


# --- parts of pages ---


def _section(title: str, schema: Schema) -> list[str]:
    """A heading, what it is for, a table of its fields."""
    required = schema.get("required", ())
    rows = [
        (f"`{name}`" if name in required else f"`{name}`?", type_text(field), field.get("description", ""))
        for name, field in schema.get("properties", {}).items()
        if name != "type" or "const" not in field
    ]
    lines = ["", f"### {title}", "", schema.get("description", "")]
    return [*lines, "", *_table(("field", "type", "meaning"), rows)] if rows else lines


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    escaped = [[_one_line(cell).replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *escaped)]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _code(lines: Iterable[str]) -> list[str]:
    return ["```json", *lines, "```"]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


_PATTERNS = {
    WRITER_PATTERN: "writer",
    EVENT_ID_PATTERN: "event id",
    ITEM_ID_PATTERN: "item id",
    f"^[0-9a-z]{{{STAMP_LENGTH}}}(?!\\n)$": f"rank of {STAMP_LENGTH} characters",
    PLAIN_PATTERN: "text without controls",
}


def type_text(schema: Schema) -> str:
    """A schema in a few words; names of other structs as they stand."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return _json(schema["const"])
    if "enum" in schema:
        return " or ".join(_json(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(type_text(inner) for inner in schema["anyOf"])
    if "prefixItems" in schema:
        return f"[{', '.join(type_text(inner) for inner in schema['prefixItems'])}]"
    if schema["type"] == "array":
        return f"array of {type_text(schema['items'])}{_range(schema, 'minItems', 'maxItems')}"
    if schema["type"] == "object":
        return f"map of {type_text(schema['additionalProperties'])}"
    if schema["type"] == "string":
        return f"{_PATTERNS.get(schema.get('pattern', ''), 'string')}{_range(schema, 'minLength', 'maxLength')}"
    return f"{schema['type']}{_range(schema, 'minimum', 'maximum')}"


def _range(schema: Schema, low: str, high: str) -> str:
    if high not in schema:
        return f" (at least {schema[low]})" if low in schema else ""
    top = "2^53 - 1" if schema[high] == SAFE_INTEGER_MAX else str(schema[high])
    if low not in schema:
        return f" (at most {top})"
    bottom = "-(2^53 - 1)" if schema[low] == -SAFE_INTEGER_MAX else str(schema[low])
    return f" ({bottom} to {top})" if bottom != top else f" ({top})"

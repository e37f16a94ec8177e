"""Vectors of the wire: every message in both formats, and its meaning."""

from __future__ import annotations

from syncd.operations.schemas.samples.messages import Said, client_messages, server_messages
from syncd.operations.schemas.vectors.case import Case, Vectors, distinct
from syncd.protocol.codec import JSON, MSGPACK


def messages() -> Vectors:
    """Every type, with optional fields given and left out."""
    both = zip(client_messages(JSON), client_messages(MSGPACK), strict=True)
    said = [
        *(_case("client", json, msgpack) for json, msgpack in both),
        *(_case("server", message, message) for message in server_messages()),
    ]
    return Vectors(
        "Every message: `json` is a text frame, `msgpack` a binary frame in hex; both mean `expected`. What is encoded "
        "again must decode to the same; the order of fields is free.",
        distinct(said),
    )


def _case(side: str, json: Said, msgpack: Said) -> Case:
    text = JSON.encode(json.message)
    packed = MSGPACK.encode(msgpack.message)
    meaning = JSON.decode_value(text)
    assert MSGPACK.decode_value(packed) == meaning, f"{json.name}: the formats differ"
    name = f"{side} {type(json.message).__struct_config__.tag}: {json.name}"
    return Case(name, {"from": side, "json": text.decode(), "msgpack": packed.hex()}, meaning)

"""The AsyncAPI 3.0 document: the one channel, who says what on it, and what answers what.

It describes the gateway, as that specification has it: the gateway *receives* what clients say and *sends* the rest.
Source: www.asyncapi.com/docs/reference/specification/v3.0.0.
"""

from __future__ import annotations

from typing import Any, get_args

from syncd import limits
from syncd.operations.schemas.documents import Document
from syncd.operations.schemas.json_schema import paragraphs
from syncd.operations.schemas.samples.messages import Said, client_messages, server_messages
from syncd.protocol.codec import JSON
from syncd.protocol.messages import (
    Ack,
    ClientMessage,
    Digest,
    DigestRequest,
    Emit,
    Error,
    Hello,
    Nack,
    Ping,
    Pong,
    ServerMessage,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
)
from syncd.protocol.version import PATH, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK, WIRE_VERSION

ANSWERS: dict[type, tuple[type, ...]] = {
    Hello: (Welcome, Error),
    Subscribe: (Subscribed, Error),
    Unsubscribe: (Unsubscribed, Error),
    Emit: (Ack, Nack, Error),
    Ping: (Pong,),
    DigestRequest: (Digest, Error),
}
"""What a client says -> what the gateway may answer."""

_SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
"""Not the default of AsyncAPI, which is draft 7: that cannot say what a cell is, an array of three different things."""


def asyncapi() -> Document:
    """The whole document. Payloads are in messages.json, beside it."""
    client, server = get_args(ClientMessage), get_args(ServerMessage)
    # An error also comes unasked, before a close.
    answers = {message for answer in ANSWERS.values() for message in answer} - {Error}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "syncd",
            "version": str(WIRE_VERSION),
            "description": (
                "Keeps the devices of a listener equal: playback, queue, playlists, library, settings, progress. "
                f"Subprotocols: `{SUBPROTOCOL_JSON}` (text frames; also when none is asked for) and "
                f"`{SUBPROTOCOL_MSGPACK}` (binary frames, the same structures)."
            ),
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {"host": "127.0.0.1:8081", "protocol": "ws", "description": "`syncd serve`, as it comes."}
        },
        "channels": {
            "sync": {
                "address": PATH,
                "description": (
                    f"One connection of one device. The first message is a hello, within {limits.HELLO_TIMEOUT_S:g} s."
                ),
                "messages": {message.__name__: _ref("components/messages", message) for message in (*client, *server)},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            **{f"receive{message.__name__}": _receive(message) for message in client},
            **{f"send{message.__name__}": _operation("send", message) for message in server if message not in answers},
        },
        "components": {"messages": _messages(client, client_messages(JSON)) | _messages(server, server_messages())},
    }


def _messages(types: tuple[type, ...], samples: list[Said]) -> dict[str, Any]:
    return {
        message.__name__: {
            "name": message.__struct_config__.tag,  # type: ignore[attr-defined]
            "title": message.__name__,
            "summary": paragraphs(message),
            "payload": {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$ref": f"messages.json#/$defs/{message.__name__}"}},
            "examples": [
                {"name": said.name, "payload": JSON.decode_value(JSON.encode(said.message))}
                for said in samples
                if type(said.message) is message
            ],
        }
        for message in types
    }


def _receive(message: type) -> dict[str, Any]:
    replies = [_ref("channels/sync/messages", answer) for answer in ANSWERS[message]]
    return {**_operation("receive", message), "reply": {"channel": {"$ref": "#/channels/sync"}, "messages": replies}}


def _operation(action: str, message: type) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/sync"},
        "summary": paragraphs(message),
        "messages": [_ref("channels/sync/messages", message)],
    }


def _ref(place: str, message: type) -> dict[str, str]:
    return {"$ref": f"#/{place}/{message.__name__}"}

"""The AsyncAPI document: complete, and everything in it leads somewhere.

It was checked against the published schema of AsyncAPI 3.0.0 when it was written; that schema is too large to live
here, so these tests hold what it asks for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from syncd.operations.schemas.asyncapi import ANSWERS, asyncapi
from syncd.operations.schemas.documents import messages
from syncd.protocol.messages import ClientMessage, Error, ServerMessage

DOCUMENT = json.loads(json.dumps(asyncapi()))
CLIENT = [message.__name__ for message in get_args(ClientMessage)]
SERVER = [message.__name__ for message in get_args(ServerMessage)]


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            elif key != "examples":
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(reference: str) -> Any:
    file, _, pointer = reference.partition("#")
    node: Any = {"": DOCUMENT, "messages.json": messages()}[file]
    for step in pointer.strip("/").split("/"):
        node = node[step]
    return node


def test_every_reference_leads_to_something() -> None:
    found = list(references(DOCUMENT))
    assert len(found) > len(CLIENT) + len(SERVER)
    for reference in found:
        assert isinstance(resolve(reference), dict)


def test_it_has_the_fields_that_the_specification_asks_for() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"].keys() >= {"title", "version"}
    allowed = {"asyncapi", "info", "defaultContentType", "servers", "channels", "operations", "components"}
    assert DOCUMENT.keys() <= allowed
    for server in DOCUMENT["servers"].values():
        assert server.keys() >= {"host", "protocol"}
        assert "/" not in server["host"]
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert operation.keys() <= {"action", "channel", "summary", "messages", "reply"}
    for key in (
        *DOCUMENT["operations"],
        *DOCUMENT["components"]["messages"],
        *DOCUMENT["channels"]["sync"]["messages"],
    ):
        assert re.fullmatch(r"[\w.-]+", key)


def test_the_channel_carries_every_message_once() -> None:
    assert list(DOCUMENT["channels"]["sync"]["messages"]) == CLIENT + SERVER
    assert list(DOCUMENT["components"]["messages"]) == CLIENT + SERVER


def test_the_gateway_receives_what_clients_say_and_sends_the_rest() -> None:
    operations = DOCUMENT["operations"]
    received = [name for name, each in operations.items() if each["action"] == "receive"]
    assert received == [f"receive{name}" for name in CLIENT]
    answers = {answer.__name__ for answer in sum(ANSWERS.values(), ())}
    sent = {name.removeprefix("send") for name, each in operations.items() if each["action"] == "send"}
    assert sent | answers == set(SERVER)
    assert sent & answers == {Error.__name__}


def test_operations_speak_only_of_messages_of_the_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        listed = [*operation["messages"], *operation.get("reply", {}).get("messages", ())]
        assert all(one["$ref"].startswith("#/channels/sync/messages/") for one in listed)


@pytest.mark.parametrize("name", CLIENT + SERVER)
def test_examples_are_what_the_payload_allows(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    payload = message["payload"]
    assert payload["schemaFormat"] == "application/schema+json;version=draft-2020-12"
    assert message["examples"], f"{name} has no example"
    validator = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": messages()["$defs"]})
    for example in message["examples"]:
        validator.validate(example["payload"])
        assert example["payload"]["type"] == message["name"]
        assert resolve(payload["schema"]["$ref"])["properties"]["type"]["const"] == message["name"]

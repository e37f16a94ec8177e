"""The schemas say what the decoders do: no more, no less, and in words where a type has none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from syncd.errors import InvalidEvent, LimitExceeded
from syncd.limits import EMIT_EVENTS_MAX, ID_CHARS_MAX, ITEMS_MAX, SAFE_INTEGER_MAX
from syncd.model.events import EVENTS, SERVER_KINDS
from syncd.model.validate import check, decode_data
from syncd.operations.schemas import documents
from syncd.operations.schemas.json_schema import attributes, definitions, paragraphs
from syncd.operations.schemas.samples.events import ACCOUNT, PLAYLIST, SAMPLES
from syncd.operations.schemas.samples.messages import client_messages, server_messages
from syncd.protocol.codec import JSON
from syncd.protocol.messages import ClientMessage, Hello, ServerMessage
from syncd.testing.strategies import free_json, instances

EVENT_SCHEMA = documents.events()
MESSAGE_SCHEMA = documents.messages()
EVENT_VALIDATOR = Draft202012Validator(EVENT_SCHEMA)


def validator_of(schema: dict[str, Any], name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})


def schema_allows(kind: str, data: object) -> bool:
    return bool(validator_of(EVENT_SCHEMA, documents.data_name(kind)).is_valid(data))


def type_allows(kind: str, data: object) -> bool:
    try:
        msgspec.convert(data, EVENTS[kind])
    except msgspec.ValidationError:
        return False
    return True


def admission_allows(kind: str, data: object) -> bool:
    """In the stream that the data is for, if there is one."""
    for stream in (ACCOUNT, PLAYLIST):
        try:
            check(kind, decode_data(kind, msgspec.json.encode(data), format="json"), stream=stream)
        except (InvalidEvent, LimitExceeded):
            continue
        return True
    return False


def references_in(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for inner in schema.values():
            yield from references_in(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from references_in(inner)


# --- the documents ---


@pytest.mark.parametrize("document", [EVENT_SCHEMA, MESSAGE_SCHEMA], ids=["events", "messages"])
def test_documents_are_schemas_and_refer_to_nothing_that_is_missing(document: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(document)
    names = set(references_in(document))
    assert names <= {f"#/$defs/{name}" for name in document["$defs"]}
    # What nothing refers to would be a type that nobody gets.
    assert names == {f"#/$defs/{name}" for name in document["$defs"]}


@pytest.mark.parametrize("document", [EVENT_SCHEMA, MESSAGE_SCHEMA], ids=["events", "messages"])
def test_every_definition_has_its_own_title_and_says_what_it_is_for(document: dict[str, Any]) -> None:
    for name, schema in document["$defs"].items():
        assert schema["title"] == name
        assert schema["description"].endswith((".", "?")), f"{name}: {schema['description']}"
        assert "Attributes" not in schema["description"]


def test_every_message_is_in_the_union_of_its_side() -> None:
    for name, union in (("ClientMessage", ClientMessage), ("ServerMessage", ServerMessage)):
        listed = [one["$ref"].rpartition("/")[2] for one in MESSAGE_SCHEMA["$defs"][name]["oneOf"]]
        assert listed == [message.__name__ for message in get_args(union)]
        types = [MESSAGE_SCHEMA["$defs"][member]["properties"]["type"]["const"] for member in listed]
        assert types == [message.__struct_config__.tag for message in get_args(union)]


def test_every_kind_is_in_the_union_and_server_kinds_say_so() -> None:
    kinds = {one["properties"]["kind"]["const"]: one for one in EVENT_SCHEMA["oneOf"]}
    assert list(kinds) == list(EVENTS)
    assert {kind for kind, one in kinds.items() if "description" in one} == SERVER_KINDS & EVENTS.keys()


def test_patterns_ranges_and_texts_come_through() -> None:
    defs = EVENT_SCHEMA["$defs"]
    seeked = defs["PlaybackSeeked"]["properties"]
    assert seeked["position_ms"] == {"type": "integer", "minimum": 0, "maximum": SAFE_INTEGER_MAX}
    assert seeked["play"]["pattern"].startswith("^[0-9a-z]{10}")
    assert defs["LibraryChanged"]["properties"]["ids"]["maxItems"] == ITEMS_MAX
    assert defs["SettingsChanged"]["propertyNames"] == {"minLength": 1, "maxLength": ID_CHARS_MAX}
    assert defs["SettingsChanged"]["additionalProperties"] == {"$ref": "#/$defs/Json"}
    assert defs["PlaybackStarted"]["properties"]["context"]["$ref"] == "#/$defs/Json"
    assert defs["HistoryCleared"]["properties"]["before_ms"]["description"].startswith("server time")
    hello = MESSAGE_SCHEMA["$defs"]["Hello"]
    assert hello["description"] == "First message of a connection, within 5 s; answered by `welcome`."
    assert hello["properties"]["nonce"]["description"].startswith("16 random characters")
    delta = MESSAGE_SCHEMA["$defs"]["Delta"]["properties"]["cells"]["items"]
    assert delta["prefixItems"] == [{"type": "string"}, {"type": "string"}, {"$ref": "#/$defs/Json"}]


def test_unknown_fields_are_forbidden_in_events_and_allowed_in_messages() -> None:
    for name in (documents.data_name(kind) for kind in EVENTS if kind != "settings.changed"):
        assert EVENT_SCHEMA["$defs"][name]["additionalProperties"] is False
    for message in get_args(ClientMessage) + get_args(ServerMessage):
        assert "additionalProperties" not in MESSAGE_SCHEMA["$defs"][message.__name__]


# --- texts ---


def test_a_docstring_gives_each_field_its_own_text() -> None:
    class Story(msgspec.Struct):
        """What it is,
        on two lines.

        And why.

        Attributes:
            first, second: both of them,
                on two lines: with a colon.
            third: alone.
        """

        first: int
        second: int
        third: int
        fourth: int

    assert paragraphs(Story) == "What it is, on two lines.\n\nAnd why."
    both = "both of them, on two lines: with a colon."
    assert attributes(Story) == {"first": both, "second": both, "third": "alone."}
    properties = definitions([Story])["Story"]["properties"]
    assert properties["first"]["description"] == both
    assert "description" not in properties["fourth"]


def test_a_docstring_that_describes_a_field_there_is_not_is_refused() -> None:
    class Story(msgspec.Struct):
        """Changed since.

        Attributes:
            old: it was renamed.
        """

        new: int

    with pytest.raises(ValueError, match=r"Story describes \['old'\], its fields are \['new'\]"):
        definitions([Story])


def test_two_structs_of_one_name_are_refused() -> None:
    class Hello(msgspec.Struct):
        other: int

    with pytest.raises(ValueError, match="two structs are called Hello"):
        definitions([Hello, globals()["Hello"]])


# --- agreement with the decoders ---


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.kind}: {sample.name}")
def test_samples_are_valid(sample: Any) -> None:
    EVENT_VALIDATOR.validate({"kind": sample.kind, "data": sample.data})
    assert admission_allows(sample.kind, sample.data)


@pytest.mark.parametrize("said", [*client_messages(JSON), *server_messages()], ids=lambda said: said.name)
def test_sample_messages_are_valid(said: Any) -> None:
    value = json.loads(JSON.encode(said.message))
    validator_of(MESSAGE_SCHEMA, type(said.message).__name__).validate(value)
    side = "ClientMessage" if isinstance(said.message, get_args(ClientMessage)) else "ServerMessage"
    validator_of(MESSAGE_SCHEMA, side).validate(value)


@given(st.sampled_from(get_args(ClientMessage) + get_args(ServerMessage)).flatmap(instances))
def test_whatever_a_message_type_allows_its_schema_allows(message: msgspec.Struct) -> None:
    validator_of(MESSAGE_SCHEMA, type(message).__name__).validate(json.loads(JSON.encode(message)))


@st.composite
def changed_data(draw: st.DrawFn) -> tuple[str, Any]:
    """A kind, and data that is a little off: a field of another form, one too few, one too many."""
    sample = draw(st.sampled_from(SAMPLES))
    data = dict(sample.data)
    boundaries = [
        0,
        -1,
        1_000,
        1_001,
        100,
        101,
        2**32,
        2**53 - 1,
        2**53,
        "",
        "L",
        "x" * 128,
        "x" * 129,
        [],
        {},
        None,
        True,
    ]
    anything = free_json | st.sampled_from(boundaries)
    match draw(st.sampled_from(["change", "drop", "add", "deeper"])):
        case "change" if data:
            data[draw(st.sampled_from(sorted(data)))] = draw(anything)
        case "drop" if data:
            del data[draw(st.sampled_from(sorted(data)))]
        case "add":
            data[draw(st.sampled_from(["parent", "detached", "reason", "extra"]))] = draw(anything)
        case "deeper":
            for name, value in data.items():
                if isinstance(value, dict):
                    data[name] = {**value, draw(st.sampled_from(["on", "from", "id", "track", "x"])): draw(anything)}
                elif isinstance(value, list) and value:
                    data[name] = [draw(anything), *value[1:]]
    return sample.kind, data


@given(changed_data())
def test_the_schema_is_no_stricter_than_admission_and_no_looser_than_the_type(changed: tuple[str, Any]) -> None:
    kind, data = changed
    if admission_allows(kind, data):
        assert schema_allows(kind, data)
    if schema_allows(kind, data):
        assert type_allows(kind, data)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("list.inserted", {"items": []}),
        ("list.inserted", {"items": [{"track": "t"}] * (ITEMS_MAX + 1)}),
        ("list.inserted", {"items": [{"title": "no track"}]}),
        ("list.inserted", {"items": [{"track": "t", "gain": 0.5}]}),
        ("list.inserted", {"list": "history"}),
        ("list.inserted", {"parent": "k3v9q2m4ta.1"}),
        ("playback.started", {"item": {"from": "radio", "id": "t1", "track": "t1"}}),
        ("playback.started", {"item": {"from": "queue", "id": "", "track": "t1"}}),
        ("playback.started", {"item": {"from": "queue", "id": "t1", "track": "t1", "duration_ms": -1}}),
        ("playback.started", {"speed_permille": 0}),
        ("playback.started", {"context": {"gain": 0.5}}),
        ("playback.started", {"context": 2**53}),
        ("playback.advanced", {"follows": []}),
        ("playback.reported", {"answers": ["0" * 21]}),
        ("device.volume_changed", {"volume_permille": 1_001}),
        ("settings.changed", {"x" * 129: 1}),
        ("settings.changed", {"": 1}),
    ],
)
def test_both_refuse_what_is_wrong(kind: str, change: dict[str, Any]) -> None:
    data = {**next(sample.data for sample in SAMPLES if sample.kind == kind), **change}
    assert not schema_allows(kind, data)
    assert not admission_allows(kind, data)


@given(st.sampled_from(["token", "nonce", "now_ms", "streams", "writer", "view"]), free_json)
def test_a_hello_is_read_exactly_where_its_schema_allows_it(field: str, value: Any) -> None:
    hello = {**json.loads(JSON.encode(Hello("t", "n", "c", 0, []))), field: value}
    try:
        msgspec.convert(hello, Hello)
        read = True
    except msgspec.ValidationError:
        read = False
    assert validator_of(MESSAGE_SCHEMA, "Hello").is_valid(hello) is read


def test_limits_of_the_welcome_are_the_limits() -> None:
    welcome = next(said.message for said in server_messages() if type(said.message).__name__ == "Welcome")
    assert json.loads(JSON.encode(welcome))["limits"]["emit_events"] == EMIT_EVENTS_MAX

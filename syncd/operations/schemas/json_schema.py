"""JSON Schemas (2020-12) of our structs, as a generator of TypeScript types would like them.

msgspec writes what its types say: patterns, ranges, defaults. Added here is what they cannot say: the text of
`Attributes` goes to the fields it is about, free JSON gets a name and says what must not be in it, and a `type` that is
always the same is a constant.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any, TypeAlias, get_args

from msgspec import Struct
from msgspec.json import schema_components
from msgspec.structs import fields

from syncd.limits import EVENT_NESTING_MAX, ID_CHARS_MAX, ITEMS_MAX, SAFE_INTEGER_MAX

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema: TypeAlias = dict[str, Any]

_REF = "#/$defs/"
_ID: Schema = {"type": "string", "minLength": 1, "maxLength": ID_CHARS_MAX}

FREE_JSON: dict[str, Schema] = {
    "Json": {
        "title": "Json",
        "description": (
            f"Free JSON, copied as given. No fractions, integers within +-{SAFE_INTEGER_MAX}, no NUL and no lone "
            f"surrogate in strings; an event's data nests at most {EVENT_NESTING_MAX} deep."
        ),
        "anyOf": [
            {"type": "null"},
            {"type": "boolean"},
            {"type": "integer", "minimum": -SAFE_INTEGER_MAX, "maximum": SAFE_INTEGER_MAX},
            {"type": "string"},
            {"type": "array", "items": {"$ref": f"{_REF}Json"}},
            {"$ref": f"{_REF}JsonObject"},
        ],
    },
    "JsonObject": {
        "title": "JsonObject",
        "description": "An object of free JSON.",
        "type": "object",
        "additionalProperties": {"$ref": f"{_REF}Json"},
    },
}
"""What stands for `Any` in a type, and for `dict[str, Any]`."""

ITEM_SHAPES: dict[str, Schema] = {
    "ListItem": {
        "title": "ListItem",
        "description": "A list's item: a `track` in queue and items, a `playlist` in sidebar; other fields are kept.",
        "type": "object",
        "properties": {"track": _ID, "playlist": _ID},
        "additionalProperties": {"$ref": f"{_REF}Json"},
        "anyOf": [{"required": ["track"]}, {"required": ["playlist"]}],
    },
    "PlayedItem": {
        "title": "PlayedItem",
        "description": "What plays: an item of the context, or an entry of the queue; other fields are kept.",
        "type": "object",
        "properties": {
            "from": {"enum": ["context", "queue"]},
            "id": {**_ID, "description": "of the item in its context, or of the queue entry"},
            "track": _ID,
            "duration_ms": {
                "anyOf": [{"type": "integer", "minimum": 0, "maximum": SAFE_INTEGER_MAX}, {"type": "null"}],
            },
        },
        "required": ["from", "id", "track"],
        "additionalProperties": {"$ref": f"{_REF}Json"},
    },
}
"""Objects whose fields `syncd.model.validate` checks one by one, because more of them may be added by a player."""

_SHAPES: dict[tuple[str, str], Schema] = {
    ("ListInserted", "items"): {
        "type": "array",
        "items": {"$ref": f"{_REF}ListItem"},
        "minItems": 1,
        "maxItems": ITEMS_MAX,
    },
    ("PlaybackStarted", "item"): {"$ref": f"{_REF}PlayedItem"},
    ("PlaybackAdvanced", "item"): {"$ref": f"{_REF}PlayedItem"},
}
"""(struct, field) -> its schema, where the type only says "object"."""


def structs_in(types: Iterable[Any]) -> dict[str, type[Struct]]:
    """The structs among some types and inside them, by name, sorted."""
    found: dict[str, type[Struct]] = {}
    waiting = list(types)
    while waiting:
        each = waiting.pop()
        if not (isinstance(each, type) and issubclass(each, Struct)):
            waiting += get_args(each)
        elif found.setdefault(each.__name__, each) is not each:
            raise ValueError(f"two structs are called {each.__name__}")
        else:
            waiting += [field.type for field in fields(each)]
    return dict(sorted(found.items()))


def definitions(types: Iterable[Any]) -> dict[str, Schema]:
    """The schemas of the structs in some types, and of the free JSON that these may hold, by name, sorted."""
    structs = structs_in(types)
    _, components = schema_components(structs.values(), ref_template=f"{_REF}{{name}}")
    defs = {name: _described(components[name], struct) for name, struct in structs.items()}
    shapes = ITEM_SHAPES if any(name in structs for name, _ in _SHAPES) else {}
    return dict(sorted({**defs, **FREE_JSON, **shapes}.items()))


def inline(type_: Any) -> Schema:
    """The schema of a type that is no struct."""
    (schema,), _ = schema_components([type_], ref_template=f"{_REF}{{name}}")
    return _with_free_json(schema)


def reference(name: str) -> Schema:
    """A reference to a definition of the same document."""
    return {"$ref": f"{_REF}{name}"}


def paragraphs(struct: type[object]) -> str:
    """What a struct's docstring says before `Attributes`, each paragraph on one line."""
    text, _, _ = inspect.cleandoc(struct.__doc__ or "").partition("\nAttributes:")
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))


def attributes(struct: type[Struct]) -> dict[str, str]:
    """Field -> what the docstring says under `Attributes`; "a, b: …" is about both.

    Raises:
        ValueError: it describes a field that the struct does not have.
    """
    _, _, block = inspect.cleandoc(struct.__doc__ or "").partition("\nAttributes:\n")
    described: dict[str, str] = {}
    names: list[str] = []
    for line in inspect.cleandoc(block).splitlines():
        opening = re.match(r"([a-z_]+(?:, [a-z_]+)*): (.*)", line)
        if opening is not None:
            names = opening[1].split(", ")
            described.update(dict.fromkeys(names, opening[2]))
        else:
            for name in names:
                described[name] += " " + line.strip()
    names_ = {field.name for field in fields(struct)}
    if unknown := described.keys() - names_:
        raise ValueError(f"{struct.__name__} describes {sorted(unknown)}, its fields are {sorted(names_)}")
    return described


def _described(component: Schema, struct: type[Struct]) -> Schema:
    """One component, with the texts of its docstring where they belong."""
    schema: Schema = {"title": component.pop("title")}
    component.pop("description", None)
    if text := paragraphs(struct):
        schema["description"] = text
    schema |= _with_free_json(component)
    properties = schema["properties"]
    about = attributes(struct)
    for field in fields(struct):
        shape = _SHAPES.get((struct.__name__, field.name), properties[field.encode_name])
        described = {"description": about[field.name]} if field.name in about else {}
        properties[field.encode_name] = {**described, **shape}
    if struct.__struct_config__.tag is not None:
        properties["type"] = {"const": struct.__struct_config__.tag}
    if not schema["required"]:
        del schema["required"]
    return schema


_ABOUT = {"title", "description", "default"}
"""Keywords that allow everything."""


def _with_free_json(schema: Schema) -> Schema:
    """The schema with names where it allows anything, or any object."""
    said = {keyword: value for keyword, value in schema.items() if keyword not in _ABOUT}
    about = {keyword: value for keyword, value in schema.items() if keyword in _ABOUT}
    if not said:
        return {**about, **reference("Json")}
    if said == {"type": "object"}:
        return {**about, **reference("JsonObject")}
    if said.get("type") == "object" and "properties" not in said:
        said.setdefault("additionalProperties", {})
    for keyword, value in said.items():
        if keyword == "properties":
            said[keyword] = {name: _with_free_json(inner) for name, inner in value.items()}
        elif keyword in ("anyOf", "prefixItems"):
            said[keyword] = [_with_free_json(inner) for inner in value]
        elif keyword in ("items", "additionalProperties") and isinstance(value, dict):
            said[keyword] = _with_free_json(value)
    return {**about, **said}

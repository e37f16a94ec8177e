"""Vectors of canonical values: one text for one value, byte for byte."""

from __future__ import annotations

from syncd.limits import SAFE_INTEGER_MAX
from syncd.model.canonical import Json, canonical
from syncd.operations.schemas.vectors.case import Case, Vectors, distinct

_VALUES: dict[str, Json] = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "negative": -1,
    "largest integer": SAFE_INTEGER_MAX,
    "smallest integer": -SAFE_INTEGER_MAX,
    "empty text": "",
    "quote and backslash": 'a"b\\c/d',
    "short escapes": "\b\t\n\f\r",
    "all controls": "".join(map(chr, range(0x20))),
    "U+007F stands as it is": "\x7f",
    "U+2028 and U+2029 stand as they are": "\u2028\u2029",
    "Latin, accents composed and not": "caf\u00e9 cafe\u0301",
    "beyond the basic plane": "\U0001f697\U00010000",
    "the largest of the basic plane": "\ue000\uffff",
    "empty array": [],
    "empty object": {},
    "array keeps its order": [3, 1, 2, [None, {}]],
    "keys sorted": {"b": 1, "a": 2, "": 3, "aa": 4, "B": 5},
    "keys beyond the basic plane come after U+FFFF, unlike in UTF-16": {
        "\U0001f697": 1,
        "\uffff": 2,
        "\ue000": 3,
        "z": 4,
    },
    "keys that look like numbers": {"10": 1, "9": 2, "-1": 3, "1": 4},
    "a prefix comes first": {"ab": 1, "a": 2, "a\u0000": 3},
    "keys are escaped": {'"': 1, "\\": 2, "\n": 3},
    "nested objects are sorted too": {"z": {"b": [{"d": 1, "c": 2}], "a": None}, "y": False},
    "a proto key is a key": {"__proto__": 1, "constructor": 2},
}


def canonicals() -> Vectors:
    """Value -> its text."""
    return Vectors(
        "Canonical values: UTF-8 JSON, keys sorted by their UTF-8 bytes, no spaces, only quote, backslash and "
        "U+0000-1F escaped. `utf8` is the same text as bytes, in hex.",
        distinct(
            [
                Case(name, value, {"text": canonical(value).decode(), "utf8": canonical(value).hex()})
                for name, value in _VALUES.items()
            ]
        ),
    )

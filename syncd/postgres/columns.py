"""Columns of a batch as the text that `unnest(string_to_array($1, chr(31)), …)` takes apart.

The plain way is an array per column. But the driver looks at every element of an array several times: for the five
short columns of a record this costs more than all else that an append does here. A joined string is one look.

The separator is a control character, which no id, key or rank holds. If one did, its column would be longer than the
others, `unnest` would fill those with nulls, and the `not null` of every column of ours would refuse the batch: never a
record under another's name. The same happens to an empty text that is alone in its batch.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

SEPARATOR = "\x1f"

_encode = msgspec.json.Encoder().encode
_decode_integers = msgspec.json.Decoder(list[int]).decode
_join = SEPARATOR.join


def text_column(values: Iterable[str]) -> str:
    """Texts, not empty, without control characters."""
    return _join(values)


def integer_column(values: Iterable[int]) -> str:
    """Integers, as the text of an array: a twentieth of what a text for each costs. Cast it: `$1::text::bigint[]`.
    Postgres refuses those too large for their column."""
    return f"{{{_encode([*values])[1:-1].decode()}}}"


def texts_of(column: str) -> list[str]:
    """The inverse of `text_column`, for a column of at least one."""
    return column.split(SEPARATOR)


def integers_of(column: str) -> list[int]:
    """The integers of an array that Postgres wrote as text."""
    return _decode_integers(f"[{column[1:-1]}]")

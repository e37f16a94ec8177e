"""JSON that an event carries as given: what must not be in it, because some replica could not hold it.

No floats (replicas would round them apart), no integer beyond +-(2^53 - 1) (JavaScript), no NUL (Postgres), no lone
surrogate (it has no UTF-8, so no canonical bytes), no deeper nesting than a frame allows. Source: merge.md section 7.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from syncd.errors import InvalidEvent
from syncd.limits import EVENT_NESTING_MAX, SAFE_INTEGER_MAX

_SHOWN_CHARS = 60
_ALLOWED = "null, true, false, whole numbers, strings, arrays and objects"


def shown(value: object) -> str:
    """A value as an error's text shows it: short, and safe to print."""
    text = ascii(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def check_text(text: str, field: str) -> None:
    """Refuse text that Postgres or UTF-8 cannot hold.

    Raises:
        InvalidEvent: it holds a NUL or a lone surrogate.
    """
    if "\0" in text:
        raise InvalidEvent(f"{field} holds a NUL character: {shown(text)}")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidEvent(f"{field} holds a lone surrogate: {shown(text)}") from error


def check_json(value: object, field: str, *, depth: int) -> None:
    """Walk a value, without recursion, and refuse what must not be in it.

    Args:
        value: what a decoder returned; `UNSET` stands for a field not given, and passes.
        field: its name, for the error's text.
        depth: the level of its outermost array or object within the event's data, which is level 1.

    Raises:
        InvalidEvent: the text shows the value and what is allowed.
    """
    if not isinstance(value, (dict, list)):
        _check_plain(value, field)
        return
    # Only containers wait; what is in them is judged on the spot, the usual types first: this is asked of every event.
    waiting: list[tuple[dict[object, object] | list[object], int]] = [(value, depth)]
    for container, level in waiting:  # it grows meanwhile
        if level > EVENT_NESTING_MAX:
            raise InvalidEvent(f"{field} nests deeper than {EVENT_NESTING_MAX}, the data itself included")
        inner: Iterable[object] = container
        if isinstance(container, dict):
            for key in container:
                if not isinstance(key, str):
                    raise InvalidEvent(f"{field} holds the key {shown(key)}, keys are strings")
                if not key.isalnum():
                    check_text(key, field)
            inner = container.values()
        for each in inner:
            if isinstance(each, str):
                if not each.isalnum():  # neither a NUL nor a surrogate is a letter or a digit
                    check_text(each, field)
            elif isinstance(each, (dict, list)):
                waiting.append((each, level + 1))
            else:
                _check_plain(each, field)


def _check_plain(value: object, field: str) -> None:
    """Judge what holds nothing else."""
    if isinstance(value, str):
        check_text(value, field)
    elif isinstance(value, int):
        if not -SAFE_INTEGER_MAX <= value <= SAFE_INTEGER_MAX:
            raise InvalidEvent(f"{field} holds {shown(value)}, integers lie within +-{SAFE_INTEGER_MAX}")
    elif value is not None and value is not UNSET:
        raise InvalidEvent(f"{field} holds {shown(value)}, allowed are {_ALLOWED}")

"""JSON that an event carries as given: what must not be in it, because some replica could not hold it.

No floats (replicas would round them apart), no integer beyond +-(2^53 - 1) (JavaScript), no NUL (Postgres), no lone
surrogate (it has no UTF-8, so no canonical bytes), no deeper nesting than a frame allows. Source: merge.md section 7.
"""

from __future__ import annotations

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
    waiting: list[tuple[object, int]] = [(value, depth)]
    while waiting:
        each, level = waiting.pop()
        if isinstance(each, str):
            check_text(each, field)
        elif each is None or each is UNSET:
            continue
        elif isinstance(each, int):
            if not -SAFE_INTEGER_MAX <= each <= SAFE_INTEGER_MAX:
                raise InvalidEvent(f"{field} holds {shown(each)}, integers lie within +-{SAFE_INTEGER_MAX}")
        elif isinstance(each, (dict, list)):
            if level > EVENT_NESTING_MAX:
                raise InvalidEvent(f"{field} nests deeper than {EVENT_NESTING_MAX}, the data itself included")
            if isinstance(each, dict):
                for key in each:
                    if not isinstance(key, str):
                        raise InvalidEvent(f"{field} holds the key {shown(key)}, keys are strings")
                    check_text(key, field)
                waiting += [(inner, level + 1) for inner in each.values()]
            else:
                waiting += [(inner, level + 1) for inner in each]
        else:
            raise InvalidEvent(f"{field} holds {shown(each)}, allowed are {_ALLOWED}")

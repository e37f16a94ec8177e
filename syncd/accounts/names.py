"""The names people give to accounts and devices."""

from __future__ import annotations

import unicodedata
from typing import Final

from syncd.errors import Conflict, Refused
from syncd.limits import NAME_CHARS_MAX

_UNUSABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that may not stand in a name: controls (NUL, which Postgres cannot store, and escapes, which
would speak to an operator's terminal), lone surrogates, line and paragraph separators."""

_SMALL: Final = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}


def as_kept(text: str) -> str:
    """A name trimmed, and in Unicode's composed form, so that what looks the same is the same."""
    return unicodedata.normalize("NFC", text).strip()


def is_storable(text: str) -> bool:
    """Whether Postgres can hold the text at all. What it cannot hold, nothing is called."""
    if "\0" in text:
        return False
    return text.isascii() or not any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def small(text: str) -> str:
    """The text with capitals of ASCII as small letters, as Postgres has them where it compares bytes."""
    return text.translate(_SMALL)


def usable_name(text: str, *, what: str) -> str:
    """The name as it is kept.

    Args:
        what: "account" or "device", for the error.

    Raises:
        Refused: it is empty, too long, or holds a character that no name may.
    """
    name = as_kept(text)
    if not name:
        raise Refused(f"the {what} needs a name: 1 to {NAME_CHARS_MAX} characters")
    if len(name) > NAME_CHARS_MAX:
        raise Refused(f"the {what}'s name has {len(name)} characters; at most {NAME_CHARS_MAX} are allowed")
    for character in name:
        if unicodedata.category(character) in _UNUSABLE:
            raise Refused(f"the {what}'s name holds U+{ord(character):04X}, which is no character to show")
    return name


def name_taken(name: str) -> Conflict:
    """What is said to whoever wants an account's name that another has."""
    return Conflict(f"an account named {name!r} is there already")


def device_taken(device: str) -> Conflict:
    """What is said of a device's id that belongs to another account."""
    return Conflict(f"device {device!r} belongs to another account")

"""The names of things, and what they look like.

All ids are ASCII, so that code-point order is the same in Python, JavaScript and `COLLATE "C"`.
"""

from __future__ import annotations

import re
from typing import NewType
from urllib.parse import quote, unquote

AccountId = NewType("AccountId", str)
"""`[0-9a-z]{4,32}`, minted by the server."""
DeviceId = NewType("DeviceId", str)
"""Minted by the server; what people see."""
WriterId = NewType("WriterId", str)
"""10 characters `[0-9a-z]`, minted by the server per local store."""
StreamId = NewType("StreamId", str)
"""`a:<account>` or `p:<playlist>`."""
EventId = NewType("EventId", str)
"""`writer.seq`; unique within a stream only."""
ItemId = NewType("ItemId", str)
"""`writer.seq.k`: the k-th element (from 0) of an event. A slot id has the same form."""
CellKey = NewType("CellKey", str)

WRITER_LENGTH = 10
# Python's `$` also matches before a last newline, JavaScript's does not: "(?!\n)" makes both mean the end.
WRITER_PATTERN = r"^[0-9a-z]{10}(?!\n)$"
EVENT_ID_PATTERN = r"^[0-9a-z]{10}\.[1-9][0-9]{0,15}(?!\n)$"
ITEM_ID_PATTERN = r"^[0-9a-z]{10}\.[1-9][0-9]{0,15}\.(0|[1-9][0-9]{0,5})(?!\n)$"
STREAM_PATTERN = r"^(a:[A-Za-z0-9._~-]{1,128}|p:[A-Za-z0-9._~-]{16,128})(?!\n)$"
"""A playlist's id has at least 16 characters: it is minted by a client and must not be guessed."""

_STREAM = re.compile(STREAM_PATTERN)
_KEY_SAFE = re.compile(r"[A-Za-z0-9._:~-]+")


def account_stream(account: AccountId) -> StreamId:
    """The one stream of an account."""
    return StreamId(f"a:{account}")


def is_stream(text: str) -> bool:
    """Whether the text names a stream (`a:me` included, which only a gateway can resolve)."""
    return _STREAM.match(text) is not None


def is_playlist(stream: str) -> bool:
    """Whether the stream is a playlist's."""
    return stream.startswith("p:")


def event_id(writer: str, seq: int) -> EventId:
    """`writer.seq`."""
    return EventId(f"{writer}.{seq}")


def item_id(event: str, k: int) -> ItemId:
    """`writer.seq.k`, k counted from 0."""
    return ItemId(f"{event}.{k}")


def key_part(text: str) -> str:
    """An id as it stands inside a cell key: everything but `[A-Za-z0-9._:~-]` is percent-encoded as UTF-8."""
    if (text.isalnum() and text.isascii()) or _KEY_SAFE.fullmatch(text):
        return text
    return quote(text, safe="._:~-")


def from_key_part(part: str) -> str:
    """The inverse of `key_part`."""
    return unquote(part) if "%" in part else part

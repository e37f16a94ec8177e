"""The common case of a handshake: a plain request for our socket that arrived whole.

`websockets` reads every request right and has the words for each that is wrong, and takes 150 microseconds for it. When
thousands come back in one moment, that is what they wait for. What is answered here would be answered the same by the
library; whatever is not that plain is left to it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha1
from typing import Final

from syncd.gateway.handshake import is_allowed
from syncd.protocol.codec import CODECS, JSON, Codec
from syncd.protocol.version import PATH

HEAD_BYTES_MAX: Final = 8_192
"""Of a request that is read here; the library allows as much for each line."""
HEADERS_MAX: Final = 100
"""The library allows 128."""
_FIRST_LINE: Final = f"GET {PATH} HTTP/1.1\r\n".encode()
# RFC 9110 5.1 and 5.5, without obsolete line folding, and in ASCII.
_HEADERS: Final = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[\t\x20-\x7e]*\r\n)+\r\n")
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")
"""Base64 of 16 bytes."""
_NAMES: Final = re.compile(rb"[A-Za-z0-9.-]+(?:[ \t]*,[ \t]*[A-Za-z0-9.-]+)*")
"""A list of names without anything special about it."""
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ONCE: Final = frozenset({
    b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-protocol", b"origin",
    b"host",
})  # fmt: skip
"""What decides. Any of it twice is the library's to judge."""
_BODY: Final = frozenset({b"content-length", b"transfer-encoding"})
_NAMES_OF: Final = {codec.subprotocol.encode(): codec for codec in CODECS.values()}
_ANSWER: Final = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """`response`: all that is to be written; then frames follow."""

    response: bytes
    codec: Codec


def plain_upgrade(head: bytes, *, origins: Collection[str]) -> Upgrade | None:
    """The answer to a request that is fine, when `head` is the whole of it and nothing else.

    None says nothing of what it is instead.

    Args:
        origins: as `handshake.refusal`'s.
    """
    if len(head) > HEAD_BYTES_MAX or not head.startswith(_FIRST_LINE):
        return None
    if _HEADERS.fullmatch(head, len(_FIRST_LINE)) is None:
        return None
    lines = head[len(_FIRST_LINE) : -4].split(b"\r\n")
    if len(lines) > HEADERS_MAX:
        return None
    found: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in _ONCE:
            if name in found:
                return None
            found[name] = value.strip(b" \t")
        elif name in _BODY:
            return None
    return _answer(found, origins)


def _answer(found: dict[bytes, bytes], origins: Collection[str]) -> Upgrade | None:
    connection, key = found.get(b"connection", b""), found.get(b"sec-websocket-key", b"")
    if found.get(b"upgrade", b"").lower() != b"websocket" or found.get(b"sec-websocket-version") != b"13":
        return None
    if not _is_name_in(b"upgrade", connection.lower()) or _KEY.fullmatch(key) is None:
        return None
    if (origin := found.get(b"origin")) is not None:
        hosts = [found[b"host"].decode()] if b"host" in found else []
        if not is_allowed([origin.decode()], hosts, origins):
            return None
    accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
    offered = found.get(b"sec-websocket-protocol")
    if offered is None:
        return Upgrade(b"%bSec-WebSocket-Accept: %b\r\n\r\n" % (_ANSWER, accept), JSON)
    if _NAMES.fullmatch(offered) is None:
        return None
    for name in offered.split(b","):
        codec = _NAMES_OF.get(name := name.strip(b" \t"))
        if codec is not None:
            head = b"%bSec-WebSocket-Accept: %b\r\nSec-WebSocket-Protocol: %b\r\n\r\n" % (_ANSWER, accept, name)
            return Upgrade(head, codec)
    return None


def _is_name_in(name: bytes, names: bytes) -> bool:
    return names == name or (
        _NAMES.fullmatch(names) is not None and name in [one.strip(b" \t") for one in names.split(b",")]
    )

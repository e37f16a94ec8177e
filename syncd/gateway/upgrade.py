"""The common case of a handshake: a plain request for our socket that arrived whole.

`websockets` reads every request right and has the words for each that is wrong, and takes 150 microseconds for it. When
thousands come back in one moment, that is what they wait for. What is answered here would be answered the same by the
library; whatever is not that plain is left to it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection
from hashlib import sha1
from typing import Final

from msgspec import Struct

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
_KEY_BYTES: Final = 24
_KEY_LINE: Final = b"\r\nSec-WebSocket-Key: "
"""As clients write it; whoever writes it otherwise is read anew each time."""
KNOWN_MAX: Final = 1_024
KNOWN_BYTES_MAX: Final = 1_024
"""Of one that is remembered: what apps and browsers send is shorter. About 1 MiB at most, and a start anew then."""
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


class Upgrade(Struct, frozen=True, gc=False):
    """`response`: all that is to be written; then frames follow."""

    response: bytes
    codec: Codec


class Upgrades:
    """Answers plain requests, and remembers them: all devices with the same app send the same one, but for its key.

    Args:
        origins: as `handshake.refusal`'s.
    """

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = origins
        self._known: dict[bytes, tuple[bytes, bytes, Codec]] = {}
        """A request without its key -> what stands before and behind the proof of it in the response, and the codec."""

    def answer(self, head: bytes) -> Upgrade | None:
        """See `plain_upgrade`."""
        line = head.find(_KEY_LINE)
        start = line + len(_KEY_LINE)
        end = start + _KEY_BYTES
        key = head[start:end]
        if line < 0 or _KEY.fullmatch(key) is None:
            return plain_upgrade(head, origins=self._origins)
        others = head[:start] + head[end:]
        known = self._known.get(others)
        if known is not None:
            before, after, codec = known
            return Upgrade(b"%b%b%b" % (before, _proof(key), after), codec)
        upgrade = plain_upgrade(head, origins=self._origins)
        if upgrade is not None and len(others) <= KNOWN_BYTES_MAX:
            self._remember(others, key, upgrade)
        return upgrade

    def _remember(self, others: bytes, key: bytes, upgrade: Upgrade) -> None:
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        before, _, after = upgrade.response.partition(_proof(key))
        self._known[others] = (before, after, upgrade.codec)


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
    accept = _proof(key)
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


def _proof(key: bytes) -> bytes:
    """What `Sec-WebSocket-Accept` says: that a websocket server has read the key."""
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest())


def _is_name_in(name: bytes, names: bytes) -> bool:
    return names == name or (
        _NAMES.fullmatch(names) is not None and name in [one.strip(b" \t") for one in names.split(b",")]
    )

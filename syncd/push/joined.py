"""The deltas that a returning device missed, as few writes. Devices of an account mostly missed the same ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from syncd.protocol.codec import Codec
from syncd.push.delta import framed_delta
from syncd.push.hub import Channel
from syncd.push.recent import Recent

WRITE_BYTES = 32 * 1024
"""From so much on, deltas are written; fewer go in one write. Small beside the mark of a slow reader."""
KEPT_MAX = 256
"""Joined tails that are kept, each below `WRITE_BYTES`: for as many accounts as come back in the same moment."""


_Key: TypeAlias = tuple[str, int, int, bool]
"""(stream, from which offset, offset of the newest record, whether it is text)"""


class JoinedTails:
    """Of one gateway."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()

    def pieces(self, channel: Channel, codec: Codec, recent: Recent, offset: int) -> Iterable[tuple[int, bytes]]:
        """What to write to who has everything below `offset`, in order; with each piece, up to where they have
        everything then. A void has no delta. Ask `recent.covers` first."""
        newest = recent.newest(channel.stream)
        if newest < offset:
            return ()
        key = (channel.stream, offset, newest, codec.text)
        kept = self._kept.get(key)
        return self._join(key, channel, codec, recent) if kept is None else ((offset, kept),)

    def _join(self, key: _Key, channel: Channel, codec: Codec, recent: Recent) -> Iterator[tuple[int, bytes]]:
        first, framed, framed_bytes = -1, list[bytes](), 0
        is_whole = True
        for entry in recent.since(channel.stream, key[1]):
            if entry.void is not None:
                continue
            if framed_bytes >= WRITE_BYTES:
                yield first, b"".join(framed)
                framed, framed_bytes, is_whole = [], 0, False
            if not framed:
                first = entry.offset
            framed.append(framed_delta(entry, codec, channel.cursor(entry.offset + 1)))
            framed_bytes += len(framed[-1])
        if framed:
            joined = b"".join(framed)
            if is_whole and framed_bytes < WRITE_BYTES:
                self._keep(key, joined)
            yield first, joined

    def _keep(self, key: _Key, joined: bytes) -> None:
        self._kept[key] = joined
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)

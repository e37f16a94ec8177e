"""The deltas that a returning device missed, as few writes. Devices of an account mostly missed the same ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from syncd.protocol.codec import Codec
from syncd.push.entry import Entry
from syncd.push.hub import Channel

WRITE_BYTES = 32 * 1024
"""From so much on, deltas are written; fewer go in one write. Small beside the mark of a slow reader."""
KEPT_MAX = 256
"""Joined tails that are kept, each below `WRITE_BYTES`: for as many accounts as come back in the same moment."""


class JoinedTails:
    """Of one gateway."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, int, bool], bytes] = OrderedDict()

    def pieces(self, channel: Channel, codec: Codec, entries: Sequence[Entry]) -> Iterator[tuple[int, bytes]]:
        """What to write, in order, each with the offset of its first record. A void has no delta."""
        if not entries:
            return
        key = (channel.stream, entries[0].offset, entries[-1].offset, codec.text)
        kept = self._kept.get(key)
        if kept is not None:
            yield entries[0].offset, kept
            return
        first, framed, framed_bytes = -1, list[bytes](), 0
        is_whole = True
        for entry in entries:
            if entry.void is not None:
                continue
            if framed_bytes >= WRITE_BYTES:
                yield first, b"".join(framed)
                framed, framed_bytes, is_whole = [], 0, False
            if not framed:
                first = entry.offset
            framed.append(entry.framed(codec, channel.cursor(entry.offset + 1)))
            framed_bytes += len(framed[-1])
        if framed:
            joined = b"".join(framed)
            if is_whole and framed_bytes < WRITE_BYTES:
                self._keep(key, joined)
            yield first, joined

    def _keep(self, key: tuple[str, int, int, bool], joined: bytes) -> None:
        self._kept[key] = joined
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)

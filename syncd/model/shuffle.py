"""The order of a shuffled context: the same on every device, and steady when a track comes or goes.

Each item's place is a hash of its own id and the seed, so nobody has to send an order, and adding a track reshuffles
nothing. The listener's own queue is never shuffled. Source: merge.md section 3.2; MurmurHash3 by Austin Appleby,
the x86 32-bit variant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

_MASK = 0xFFFFFFFF


def murmur3_32(data: bytes, seed: int) -> int:
    """MurmurHash3_x86_32 of `data`; `seed` and the result are 0 to 2^32 - 1."""
    h = seed
    body = len(data) & ~3
    for at in range(0, body, 4):
        h ^= _scrambled(int.from_bytes(data[at : at + 4], "little"))
        h = ((h << 13) | (h >> 19)) & _MASK
        h = (h * 5 + 0xE6546B64) & _MASK
    h ^= _scrambled(int.from_bytes(data[body:], "little"))
    h ^= len(data)
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & _MASK
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & _MASK
    return h ^ (h >> 16)


def _scrambled(k: int) -> int:
    k = (k * 0xCC9E2D51) & _MASK
    k = ((k << 15) | (k >> 17)) & _MASK
    return (k * 0x1B873593) & _MASK


_Place: TypeAlias = tuple[int, str]


def _place(id_: str, seed: int) -> _Place:
    return murmur3_32(id_.encode(), seed), id_


def shuffled(ids: Iterable[str], seed: int, *, current: str | None = None) -> list[str]:
    """The items of a context in shuffled order.

    Args:
        ids: of the items, in any order.
        current: the item that the order is turned to begin with. It need not be there any more: then the order begins
            with the item that came after it. None leaves the order as the hashes have it.
    """
    order = sorted(_place(id_, seed) for id_ in ids)
    if current is not None:
        turn = _place(current, seed)
        order = [each for each in order if each >= turn] + [each for each in order if each < turn]
    return [id_ for _, id_ in order]


def upcoming(ids: Iterable[str], seed: int, *, current: str, first: str) -> list[str]:
    """What is still to come after `current` in the round that began with `first`; empty at its end.

    Neither needs to be in the context any more. For "next" take the first of them; when there is none, the round is
    over, and with repeat all a new one begins.
    """
    round_ = shuffled({*ids, current}, seed, current=first)
    kept = set(ids)
    return [id_ for id_ in round_[round_.index(current) + 1 :] if id_ in kept]

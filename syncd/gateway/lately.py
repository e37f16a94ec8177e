"""What was left a moment ago, and is kept in case its user comes back: bounded in time and in number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from syncd.limits import LEFT_KEPT_MAX, LEFT_KEPT_S

K = TypeVar("K", bound=Hashable)


class Lately(Generic[K]):
    """Keys in the order in which they were left.

    Args:
        forget: called with a key whose time is over, or that has no room.
    """

    def __init__(self, forget: Callable[[K], None]) -> None:
        self._forget = forget
        self._left_s: OrderedDict[K, float] = OrderedDict()

    def left(self, key: K, *, now_s: float) -> None:
        """Nobody uses it from now on."""
        self._left_s[key] = now_s
        self._left_s.move_to_end(key)
        if len(self._left_s) > LEFT_KEPT_MAX:
            self._forget(self._left_s.popitem(last=False)[0])

    def taken(self, key: K, *, now_s: float) -> bool:
        """Somebody came for it; whether it was here and its time is not over."""
        left_s = self._left_s.pop(key, None)
        if left_s is not None and now_s - left_s > LEFT_KEPT_S:
            self._forget(key)
            return False
        return left_s is not None

    def drop(self, key: K) -> None:
        """It is gone already, if it was here."""
        self._left_s.pop(key, None)

    def sweep(self, now_s: float) -> None:
        """Forget what was left too long ago."""
        while self._left_s:
            key, left_s = next(iter(self._left_s.items()))
            if now_s - left_s <= LEFT_KEPT_S:
                return
            del self._left_s[key]
            self._forget(key)

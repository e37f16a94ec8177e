"""How long work tells that it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

Advance: TypeAlias = Callable[[int, int], None]
"""(done, of all): called now and then with numbers that rise; `of all` may change as the work learns more."""

Phase: TypeAlias = Callable[[str, str], AbstractContextManager[Advance]]
"""(what, unit): begins one part of a work of several, and tells how it goes on."""


def quiet(done: int, of_all: int) -> None:
    """Progress that nobody looks at."""


@contextmanager
def quietly(what: str, unit: str) -> Iterator[Advance]:
    """The same for a work of several parts."""
    yield quiet


class Count:
    """One count over several parts of a work, each of which says how large it is when it begins."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._done = self._of_all = 0

    def begin(self, part: int) -> None:
        """There is so much more to do."""
        self._of_all += part

    def did(self, count: int) -> None:
        """So much of it is done."""
        self._done += count
        self._advance(self._done, self._of_all)

"""How long work shows that it goes on: a bar on a terminal, a plain line now and then elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, TypeAlias

from syncd.cli import output

LINE_EVERY_S: Final = 5.0
"""Between two plain lines, so that the log of a job of hours can still be read."""

Advance: TypeAlias = Callable[[int, int], None]
"""(done, of all)"""


@contextmanager
def progress(what: str, *, unit: str) -> Iterator[Advance]:
    """Show how far the work inside has come.

    Args:
        what: is done, as "comparing".
        unit: of the numbers, in the plural.
    """
    if sys.stderr.isatty():
        yield from _bar(what, unit)
    else:
        yield _lines(what, unit)


def phase(what: str, unit: str) -> AbstractContextManager[Advance]:
    """As `progress`, for work that names its own phases."""
    return progress(what, unit=unit)


def _bar(what: str, unit: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
    # Transient: when the work is done its result says all there is to say.
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of_all: bar.update(task, completed=done, total=of_all)


def _lines(what: str, unit: str) -> Advance:
    last_s = time.monotonic()

    def advance(done: int, of_all: int) -> None:
        nonlocal last_s
        if time.monotonic() - last_s >= LINE_EVERY_S:
            last_s = time.monotonic()
            output.note(f"{what}: {done} of {of_all} {unit}")

    return advance

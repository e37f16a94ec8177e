"""How scripts under `load/` tell what they do and what came of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence

LINE_S = 10.0
"""Between two lines of progress where there is no terminal."""


class Progress:
    """How far a run is, on stderr: one line that changes on a terminal, a line every 10 s elsewhere."""

    def __init__(self, unit: str, total: int) -> None:
        self._unit = unit
        self._total = total
        self._started_s = time.monotonic()
        self._told_s = float("-inf")
        self._is_terminal = sys.stderr.isatty()

    def advance(self, done: int, note: str = "") -> None:
        """Tell that so many are done."""
        now_s = time.monotonic()
        if not self._is_terminal and now_s - self._told_s < LINE_S and done < self._total:
            return
        self._told_s = now_s
        left_s = (now_s - self._started_s) / max(done, 1) * (self._total - done)
        line = f"{done:,} of {self._total:,} {self._unit}, about {left_s:.0f} s left; {note}"
        print(f"\r{line:<100}" if self._is_terminal else line, end="" if self._is_terminal else "\n", file=sys.stderr,
              flush=True)  # fmt: skip

    def note(self, text: str) -> None:
        """A line of its own."""
        print(text, file=sys.stderr, flush=True)

    def done(self) -> None:
        """Leave the line that changes."""
        if self._is_terminal:
            print(file=sys.stderr)


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns on stdout: the first to the left, numbers to the right."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    for line in lines:
        cells = [cell.ljust(width) if n == 0 else cell.rjust(width) for n, (cell, width) in
                 enumerate(zip(line, widths, strict=True))]  # fmt: skip
        print("  ".join(cells))

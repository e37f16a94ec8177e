"""What commands write: results on stdout, everything else on stderr. The one place that knows whether it is a terminal.

A result is aligned lines for people or, with `--json`, a document for programs: one, or one a line where results come
one by one. Whoever reads may leave early, as `head` does: that ends the command, without a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from rich.text import Text

COLUMN_CHARS_MAX: Final = 60
"""Of all columns but the last; longer texts are cut, so that the next column stays in sight."""
_JOINER: Final = "\u200d"
"""Holds an emoji's parts together; the only invisible character that names need."""


class ReaderGone(Exception):
    """Nobody reads our output any more."""


def prepare() -> None:
    """Write what cannot be encoded as escapes: a name must not end a command. Once, at the start."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def result(text: str = "", *, style: str = "") -> None:
    """A line for people. `style`: as rich names them, such as "bold" or "red"; only terminals show it."""
    if style and sys.stdout.isatty():
        from rich.console import Console
        from rich.text import Text

        Console(highlight=False, soft_wrap=True).print(Text(text, style=style))
    else:
        _write(sys.stdout, text)


def result_rich(text: Text) -> None:
    """A line for people whose parts have styles of their own; only terminals show them."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False, soft_wrap=True).print(text)
    else:
        _write(sys.stdout, text.plain)


def result_json(value: object) -> None:
    """A document for programs, on one line. Dataclasses are objects, paths are texts."""
    import msgspec

    _write(sys.stdout, msgspec.json.encode(value, enc_hook=str).decode())


def note(text: str) -> None:
    """A line beside the result: what is going on, or what to do next."""
    _write(sys.stderr, text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns under a heading; the last one takes what room it needs."""
    lines = [[visible(cell) for cell in row] for row in rows]
    widths = [min(COLUMN_CHARS_MAX, max(len(line[n]) for line in (head, *lines))) for n in range(len(head) - 1)]
    result(_aligned(head, widths), style="dim")
    for line in lines:
        result(_aligned(line, widths))


def visible(text: str) -> str:
    """Text that came from a peer, safe for a terminal: its control characters show instead of working."""
    return "".join(c if c.isprintable() or c == _JOINER else f"\\u{ord(c):04x}" for c in text)


def shortened(text: str, chars_max: int) -> str:
    """Text cut to a length, with a sign that it was."""
    return text if len(text) <= chars_max else f"{text[: chars_max - 1]}…"


def flush() -> None:
    """Bring everything to whoever reads, now."""
    try:
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise ReaderGone from error


def give_up_stdout() -> None:
    """After `ReaderGone`: what is still in our buffer goes nowhere, so that the interpreter's last flush succeeds."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    cut = [cell if len(cell) <= width else f"{cell[: width - 1]}…" for cell, width in zip(cells, widths, strict=False)]
    padded = [cell.ljust(width) for cell, width in zip(cut, widths, strict=True)]
    return "  ".join([*padded, cells[-1]]).rstrip()


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
    except BrokenPipeError as error:
        raise ReaderGone from error

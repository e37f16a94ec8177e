"""How a command ends: the one table of exit codes. docs/reference/exit-codes.md is made from it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from syncd.errors import (
    ConfigError,
    FencedOut,
    NotFound,
    Poison,
    PositionLost,
    ProtocolError,
    Refused,
    SyncdError,
    Unauthenticated,
    Unavailable,
)


@dataclass(frozen=True, slots=True)
class ExitCode:
    """One row. `errors`: the families whose errors end a command so; of the rows that name one, the first counts."""

    code: int
    meaning: str
    then: str
    errors: tuple[type[SyncdError], ...] = ()


DONE: Final = ExitCode(0, "Done. A server that was asked to stop has stopped cleanly.", "-")
NEGATIVE: Final = ExitCode(
    1,
    "It ran, and the answer is no: `verify` found a difference, `doctor` something that fails, `migrate status` or "
    "`schemas --check` something to do, `rebuild --dry-run` something to swap; `dead-letters retry` left one that this "
    "version cannot read; or a question was answered with no.",
    "Read what was printed.",
)
USAGE: Final = ExitCode(2, "No such command or option, or a value that cannot be read.", "See `--help`.")
CONFIG: Final = ExitCode(
    3, "A setting is wrong, or a port is taken.", "Change the setting that is named.", (ConfigError,)
)
REFUSED: Final = ExitCode(
    4, "Understood, and refused: a name is taken or cannot be used.", "Ask for something else.",
    (Refused,),
)  # fmt: skip
NOT_FOUND: Final = ExitCode(5, "No such account, device, stream or key.", "Check the name.", (NotFound,))
UNAVAILABLE: Final = ExitCode(
    6, "The database, the log or a server does not answer.", "Try again; `syncd doctor` says what is wrong.",
    (Unavailable, FencedOut),
)  # fmt: skip
UNAUTHENTICATED: Final = ExitCode(
    7, "The token is unknown, or its device was revoked.", "Link a device: `syncd device link`.", (Unauthenticated,)
)
POSITION_LOST: Final = ExitCode(
    8, "The log does not hold that past, or lives another life than the store.", "See `syncd migrate --help`.",
    (PositionLost,),
)  # fmt: skip
PROTOCOL: Final = ExitCode(
    9, "What came over a socket, out of the log or out of a file cannot be read.",
    "Compare the versions of both sides.",
    (ProtocolError, Poison),
)  # fmt: skip
BUG: Final = ExitCode(70, "A bug of syncd; the traceback is on stderr.", "Report it.")
INTERRUPTED: Final = ExitCode(130, "Ctrl-C; of a server, the second one.", "-")
READER_GONE: Final = ExitCode(141, "Whoever read the output has gone, as `head` does.", "-")

TABLE: Final = (
    DONE, NEGATIVE, USAGE, CONFIG, NOT_FOUND, REFUSED, UNAVAILABLE, UNAUTHENTICATED, POSITION_LOST, PROTOCOL, BUG,
    INTERRUPTED, READER_GONE,
)  # fmt: skip


def exit_code(error: SyncdError) -> int:
    """How a command ends that an error ended."""
    for row in TABLE:
        if isinstance(error, row.errors):
            return row.code
    return BUG.code


def reference() -> str:
    """docs/reference/exit-codes.md as Markdown."""
    rows = "".join(f"| {row.code} | {row.meaning} | {row.then} |\n" for row in sorted(TABLE, key=lambda row: row.code))
    return f"""# Exit codes

Made from `syncd/cli/exit_codes.py` by `python -m syncd.cli.exit_codes`; a test compares. Every command ends with one of
these. Errors are one line on stderr, with what is wrong and, where there is one, the limit or what is allowed.

| code | meaning | what to do |
| --- | --- | --- |
{rows}"""


if __name__ == "__main__":
    sys.stdout.write(reference())

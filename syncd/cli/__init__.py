"""The command `syncd`: reads arguments, calls `syncd.operations` and `syncd.bootstrap`, prints what they return.

Each command has a module of its own and imports what is heavy inside it, so that `syncd --help` stays quick. How a
command ends is in `exit_codes`, what it writes in `output`.
"""

from __future__ import annotations

import sys
import traceback

from syncd.cli import exit_codes, output
from syncd.errors import SyncdError


def main() -> None:
    """The program's entry."""
    sys.exit(_run())


def _run() -> int:
    """Run the command of `sys.argv`; returns its exit code, never a traceback but for bugs."""
    from syncd.cli.app import app

    output.prepare()
    try:
        try:
            app(prog_name="syncd")
        finally:
            output.flush()
    except SystemExit as end:  # how typer ends: 0, 2 with the usage, or what a command chose
        return end.code if isinstance(end.code, int) else exit_codes.DONE.code
    except output.ReaderGone:
        output.give_up_stdout()
        return exit_codes.READER_GONE.code
    except SyncdError as error:
        output.note(f"syncd: {error}")
        for more in getattr(error, "__notes__", ()):
            output.note(f"syncd: {more}")
        return exit_codes.exit_code(error)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED.code
    except Exception:  # the process's outer wall
        traceback.print_exc()
        output.note("syncd: this is a bug; please report the lines above")
        return exit_codes.BUG.code
    return exit_codes.DONE.code

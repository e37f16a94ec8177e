"""The outer wall of every command: it ends with a code of the table, and with a traceback only where that helps."""

from __future__ import annotations

import traceback

from syncd.cli import exit_codes, output
from syncd.cli.app import app
from syncd.errors import SyncdError


def run() -> int:
    """Run the command of `sys.argv`, and return its exit code."""
    output.prepare()
    try:
        try:
            app(prog_name="syncd")
        finally:
            output.flush()
    except SystemExit as end:  # how typer ends: 0, 2 with the usage, 130, or what a command chose
        return end.code if isinstance(end.code, int) else exit_codes.DONE.code
    except output.ReaderGone:
        output.give_up_stdout()
        return exit_codes.READER_GONE.code
    except SyncdError as error:
        for line in (str(error), *getattr(error, "__notes__", ())):
            output.note(f"syncd: {line}")
        return exit_codes.exit_code(error)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED.code
    except Exception:  # a bug: the one case in which a traceback helps
        traceback.print_exc()
        output.note("syncd: this is a bug; please report the lines above")
        return exit_codes.BUG.code
    return exit_codes.DONE.code

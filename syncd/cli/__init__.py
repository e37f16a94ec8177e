"""The command `syncd`: reads arguments, calls `syncd.operations` and `syncd.bootstrap`, prints what they return.

Each command has a module of its own and imports what is heavy inside it, so that `syncd --help` stays quick. How a
command ends is in `exit_codes`, what it writes in `output`.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The program's entry: the command of `sys.argv`."""
    from syncd.cli.run import run

    sys.exit(run())

"""Asking before something is done that cannot be undone."""

from __future__ import annotations

import sys
from typing import Annotated, TypeAlias

import typer

from syncd.cli import exit_codes, output

Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


def confirm(question: str, *, yes: bool) -> None:
    """Return when the answer is yes; end the command otherwise. Whoever cannot be asked must have said --yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("this cannot be undone and nobody is there to ask: say --yes, or look with --dry-run")
    if not typer.confirm(question, err=True):
        output.note("nothing was changed")
        raise typer.Exit(exit_codes.NEGATIVE.code)

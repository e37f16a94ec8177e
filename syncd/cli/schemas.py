"""`syncd schemas`: what other programs are made from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli import exit_codes, output


def schemas(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Root of a checkout, or any folder.")] = Path(),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; end with 1 when a file is not fresh.")] = False,
) -> None:
    """Write schemas, test vectors and reference pages.

    Below a folder, generated from the types: JSON Schemas of events and messages, AsyncAPI, vectors that every SDK must
    reproduce. A checkout holds them; --check is for its tests.
    """
    from syncd.operations.schemas import stale_schemas, write_schemas

    if check:
        stale = stale_schemas(folder)
        for sentence in stale:
            output.result(sentence)
        if stale:
            raise typer.Exit(exit_codes.NEGATIVE.code)
        return
    changed = write_schemas(folder)
    for path in changed:
        output.result(f"wrote {path}" if path.exists() else f"removed {path}")
    if not changed:
        output.note("all files are fresh")

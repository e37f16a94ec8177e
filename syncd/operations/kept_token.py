"""Tokens that `syncd serve` shows at each start.

Only a hash of a token is kept in the database, so showing the same one again needs the token itself. It lies in the
data folder, readable by its owner only, beside the database that this owner can read anyhow.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

TOKEN_BYTES_MAX: Final = 512


def kept_token(path: Path) -> str | None:
    """The token that lies there; None where there is none. What stands in the way is told when one shall be kept."""
    try:
        with path.open("rb") as file:
            return file.read(TOKEN_BYTES_MAX).decode().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def keep_token(path: Path, token: str) -> str:
    """Write the file whole or not at all; nobody else can read it, not even while it is written.

    Returns:
        Why that was not possible, else nothing: a server on somebody's own Postgres may have no folder to write to.
    """
    beside = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")
        beside.replace(path)
    except OSError as error:
        return f"cannot write {path}: {error.strerror}"
    return ""

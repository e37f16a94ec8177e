"""The operator that a newcomer's first start makes, so that the console can be opened from the link that it prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syncd.errors import Unauthenticated
from syncd.operations.kept_token import keep_token, kept_token
from syncd.operators import Operators

LOCAL_OPERATOR: Final = "local"
TOKEN_FILE: Final = "operator-token"  # noqa: S105 - a file's name


@dataclass(frozen=True, slots=True)
class LocalOperator:
    """`problem`: why the token could not be kept, so that no later start will show it; empty when it was."""

    token: str
    problem: str = ""


async def local_operator(operators: Operators, data_dir: Path) -> LocalOperator | None:
    """The operator whose token is kept in the data folder while it stands, else a new one where there was none ever.

    Returns:
        None where the deployment has operators of its own.

    Raises:
        StoreUnavailable: no answer.
    """
    kept = kept_token(data_dir / TOKEN_FILE)
    if kept is not None:
        try:
            await operators.login(kept)
            return LocalOperator(kept)
        except Unauthenticated:  # another database's token, or it was revoked since
            pass
    if await operators.all():
        return None
    made = await operators.create(LOCAL_OPERATOR)
    return LocalOperator(made.token, keep_token(data_dir / TOKEN_FILE, made.token))

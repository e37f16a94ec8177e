"""The account that a newcomer's first start makes, and the one device whose token `serve` shows.

Only a hash of a token is kept in the database, so showing the same link at each start needs the token itself. It lies
in the data folder, readable by its owner only, beside the database that this owner can read anyhow. The other way, a
new device at each start, would fill the account with devices that nobody uses any more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syncd.accounts import Accounts
from syncd.clock import Clock
from syncd.errors import NotFound, Unauthenticated
from syncd.log.port import EventLog
from syncd.operations.devices import link_device

DEMO_ACCOUNT: Final = "demo"
DEMO_DEVICE: Final = "browser"
TOKEN_FILE: Final = "demo-token"  # noqa: S105 - a file's name
TOKEN_BYTES_MAX: Final = 512


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """Who a newcomer is.

    Attributes:
        problem: why the token could not be kept, so that the next start will show another; empty when it was.
    """

    account: str
    device: str
    token: str
    problem: str = ""


async def demo_login(accounts: Accounts, log: EventLog, clock: Clock, data_dir: Path) -> DemoLogin | None:
    """The demo account's login for a browser: the one kept in the data folder while it stands, else a new one.

    Returns:
        None where the deployment has accounts and none of them is the demo: then it is somebody's own.

    Raises:
        Unavailable: the database or the log does not answer.
    """
    try:
        account = await accounts.find(DEMO_ACCOUNT)
    except NotFound:
        if await accounts.all():
            return None
        account = await accounts.create(DEMO_ACCOUNT)
    kept = await _kept(accounts, data_dir / TOKEN_FILE)
    if kept is not None and kept.account == account.account:
        return kept
    linked = await link_device(accounts, log, clock, account.account, name=DEMO_DEVICE)
    problem = _keep(data_dir / TOKEN_FILE, linked.token)
    return DemoLogin(linked.account, linked.device, linked.token, problem)


async def _kept(accounts: Accounts, path: Path) -> DemoLogin | None:
    """The login whose token lies there, if it still stands."""
    try:
        with path.open("rb") as file:
            token = file.read(TOKEN_BYTES_MAX).decode().strip()
        login = await accounts.login(token)
    except (OSError, UnicodeDecodeError):  # none is kept; what stands in the way is told when one shall be
        return None
    except Unauthenticated:  # another database's token, or the device was revoked since
        return None
    return DemoLogin(login.account, login.device, token)


def _keep(path: Path, token: str) -> str:
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

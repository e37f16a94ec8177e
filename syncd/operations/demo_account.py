"""The account that a newcomer's first start makes, and the one device whose token `serve` shows.

Its token is kept (`kept_token`): a new device at each start would fill the account with devices that nobody uses any
more.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syncd.accounts import Accounts
from syncd.clock import Clock
from syncd.errors import NotFound, Unauthenticated
from syncd.log.port import EventLog
from syncd.operations.devices import link_device
from syncd.operations.kept_token import keep_token, kept_token

DEMO_ACCOUNT: Final = "demo"
DEMO_DEVICE: Final = "First window"
"""As others show it: "Playing on First window". The page calls the one that it opens beside it its second."""
TOKEN_FILE: Final = "demo-token"  # noqa: S105 - a file's name


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
    problem = keep_token(data_dir / TOKEN_FILE, linked.token)
    return DemoLogin(linked.account, linked.device, linked.token, problem)


async def _kept(accounts: Accounts, path: Path) -> DemoLogin | None:
    """The login whose token lies there, if it still stands."""
    token = kept_token(path)
    if token is None:
        return None
    try:
        login = await accounts.login(token)
    except Unauthenticated:  # another database's token, or the device was revoked since
        return None
    return DemoLogin(login.account, login.device, token)

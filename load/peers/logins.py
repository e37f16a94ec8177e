"""Thousands of accounts with linked devices, in two statements."""

from __future__ import annotations

import secrets
import time

from syncd.accounts.minting import Mint, token_hash
from syncd.bootstrap import open_database
from syncd.config import Config
from syncd.postgres.connection import connect, hang_up


async def make_logins(config: Config, accounts: int, devices: int) -> dict[str, list[str]]:
    """New accounts beside whatever is there, with the tokens of their devices.

    It writes what `Accounts.create` and `link` write, without a round trip for each and without the events that tell
    the account's other devices of a new one.
    """
    mint, now_ms, run = Mint(), int(time.time() * 1e3), secrets.token_hex(6)
    made = [(mint.id(), f"load {run} {number}", now_ms) for number in range(accounts)]
    tokens = [[mint.token() for _ in range(devices)] for _ in made]
    linked = [
        (mint.id(), account, f"device {index}", token_hash(token), now_ms)
        for (account, _, _), mine in zip(made, tokens, strict=True)
        for index, token in enumerate(mine)
    ]
    async with open_database(config) as dsn:
        connection = await connect(dsn)
        try:
            await connection.copy_records_to_table("accounts", records=made, columns=("account", "name", "created_ms"))
            await connection.copy_records_to_table(
                "devices", records=linked, columns=("device", "account", "name", "token_hash", "linked_ms")
            )
        finally:
            await hang_up(connection)
    return {account: mine for (account, _, _), mine in zip(made, tokens, strict=True)}

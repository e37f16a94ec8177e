"""Accounts in Postgres: the tables of migrations/0002_accounts.sql."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import asyncpg

from syncd.accounts import Account, Device, LinkedDevice, Login
from syncd.accounts.minting import Mint, token_hash
from syncd.accounts.names import as_kept, is_storable, usable_name
from syncd.clock import Clock
from syncd.errors import Conflict, LoginExpired, LoginRevoked, NotFound, StoreUnavailable
from syncd.limits import STATEMENT_TIMEOUT_S
from syncd.postgres.failures import DRIVER_ERRORS, sentence
from syncd.postgres.queries import load_queries

_QUERIES: Final = load_queries("syncd.accounts", "accounts.sql")


class PostgresAccounts:
    """Keeps the promises of `syncd.accounts.Accounts` in a database that the migrations were applied to.

    The pool belongs to the caller. A cancelled call has done all of its work or none.
    """

    def __init__(self, pool: asyncpg.Pool, clock: Clock, mint: Mint | None = None) -> None:
        self._pool = pool
        self._clock = clock
        self._mint = Mint() if mint is None else mint

    async def create(self, name: str) -> Account:
        name = usable_name(name, what="account")
        row = await self._row("create", self._mint.id(), name, self._clock.now_ms())
        if row is None:
            raise Conflict(f"an account named {name!r} is there already")
        return Account(*row)

    async def find(self, account_or_name: str) -> Account:
        name = as_kept(account_or_name)
        row = await self._row("find", account_or_name, name) if is_storable(account_or_name) else None
        if row is None:
            raise NotFound(f"no account has the id or name {account_or_name!r}")
        return Account(*row)

    async def all(self) -> Sequence[Account]:
        return [Account(*row) for row in await self._rows("all")]

    async def link(self, account: str, *, name: str) -> LinkedDevice:
        name = usable_name(name, what="device")
        device, token = self._mint.id(), self._mint.token()
        values = (device, account, name, token_hash(token), self._clock.now_ms())
        if not is_storable(account) or await self._row("link", *values) is None:
            raise _no_account(account)
        return LinkedDevice(device, account, name, token)

    async def devices(self, account: str) -> Sequence[Device]:
        rows = await self._rows("devices", account) if is_storable(account) else []
        # An account without devices is rare, so only then it costs a second question whether it is one.
        if not rows and (not is_storable(account) or await self._row("exists", account) is None):
            raise _no_account(account)
        return [Device(*row) for row in rows]

    async def revoke(self, device: str) -> Device:
        row = await self._row("revoke", device, self._clock.now_ms()) if is_storable(device) else None
        if row is None:
            raise NotFound(f"no device has the id {device!r}")
        return Device(*row)

    async def login(self, token: str) -> Login:
        row = await self._row("login", token_hash(token))
        if row is None:
            raise LoginExpired("no device has this token")
        if row["revoked"]:
            raise LoginRevoked(f"device {row['device']} was revoked")
        return Login(row["account"], row["device"])

    async def revoked_of(self, devices: Sequence[str]) -> Sequence[str]:
        asked = [device for device in devices if is_storable(device)]
        revoked = {row["device"] for row in await self._rows("revoked_of", asked)} if asked else set()
        return [device for device in devices if device in revoked]

    async def _row(self, query: str, *values: object) -> asyncpg.Record | None:
        rows = await self._rows(query, *values)
        return rows[0] if rows else None

    async def _rows(self, query: str, *values: object) -> list[asyncpg.Record]:
        try:
            # Around both waits: for a free connection, and for the answer.
            async with asyncio.timeout(STATEMENT_TIMEOUT_S):
                return await self._pool.fetch(_QUERIES[query], *values)
        except DRIVER_ERRORS as error:
            raise StoreUnavailable(sentence(error)) from error


def _no_account(account: str) -> NotFound:
    return NotFound(f"no account has the id {account!r}")

"""Accounts in Postgres: the tables of migrations/0002_accounts.sql."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from syncd.accounts import Account, Device, LinkedDevice, Login
from syncd.accounts.minting import Mint, token_hash
from syncd.accounts.names import as_kept, device_taken, is_storable, name_taken, usable_name
from syncd.clock import Clock
from syncd.errors import LoginExpired, LoginRevoked, NotFound, StoreUnavailable, Unauthenticated
from syncd.postgres.database import Database
from syncd.postgres.queries import load_queries

_QUERIES: Final = load_queries("syncd.accounts", "accounts.sql")


CONNECTIONS: Final = 4
"""Of one process. Logins come in bursts when a gateway restarts; each takes a fraction of a millisecond."""


class PostgresAccounts:
    """Keeps the promises of `syncd.accounts.Accounts` in a database that the migrations were applied to.

    When cancelled, what a call writes may or may not have been written; never a part of it.
    """

    def __init__(self, database: Database, clock: Clock, mint: Mint | None = None) -> None:
        """Use `open`."""
        self._database = database
        self._clock = clock
        self._mint = Mint() if mint is None else mint

    @classmethod
    async def open(cls, dsn: str, clock: Clock, mint: Mint | None = None) -> PostgresAccounts:
        """Connect. Raises `StoreUnavailable` when the database does not answer."""
        database = await Database.open(dsn, size=CONNECTIONS, unavailable=StoreUnavailable, what="accounts")
        return cls(database, clock, mint)

    async def close(self) -> None:
        """Let go of connections. Twice is harmless."""
        await self._database.close()

    async def create(self, name: str) -> Account:
        name = usable_name(name, what="account")
        row = await self._database.row(_QUERIES["create"], self._mint.id(), name, self._clock.now_ms())
        if row is None:
            raise name_taken(name)
        return Account(*row)

    async def find(self, account_or_name: str) -> Account:
        row = await self._row("find", account_or_name, as_kept(account_or_name))
        if row is None:
            raise NotFound(f"no account has the id or name {account_or_name!r}")
        return Account(*row)

    async def all(self) -> Sequence[Account]:
        return [Account(*row) for row in await self._database.rows(_QUERIES["all"])]

    async def search(self, text: str, *, after: str, limit: int) -> Sequence[Account]:
        if not (is_storable(text) and is_storable(after)):
            return []
        return [Account(*row) for row in await self._database.rows(_QUERIES["search"], as_kept(text), after, limit)]

    async def adopt(self, account: Account, devices: Sequence[Device]) -> None:
        await self._database.row(_QUERIES["adopt"], account.account, account.name, account.created_ms)
        if await self._row("exists", account.account) is None:
            raise name_taken(account.name)
        hashes = [token_hash(self._mint.token()) for _ in devices]  # of tokens that nobody will ever see
        columns = zip(*((d.device, d.name, d.linked_ms, d.revoked_ms) for d in devices), strict=True)
        if devices:
            await self._database.row(_QUERIES["adopt_devices"], account.account, *columns, hashes)
        foreign = await self._database.rows(_QUERIES["foreign"], account.account, [d.device for d in devices])
        if foreign:
            raise device_taken(foreign[0]["device"])

    async def erase(self, account: str) -> bool:
        return await self._row("erase", account) is not None

    async def link(self, account: str, *, name: str) -> LinkedDevice:
        name = usable_name(name, what="device")
        device, token = self._mint.id(), self._mint.token()
        row = await self._row("link", account, device, name, token_hash(token), self._clock.now_ms())
        if row is None:
            raise _no_account(account)
        return LinkedDevice(device, account, name, token)

    async def devices(self, account: str) -> Sequence[Device]:
        if await self._row("exists", account) is None:
            raise _no_account(account)
        return [Device(*row) for row in await self._database.rows(_QUERIES["devices"], account)]

    async def revoke(self, device: str) -> Device:
        row = await self._row("revoke", device, self._clock.now_ms())
        if row is None:
            raise NotFound(f"no device has the id {device!r}")
        return Device(*row)

    async def login(self, token: str) -> Login:
        answer = (await self.logins([token]))[token]
        if isinstance(answer, Unauthenticated):
            raise answer
        return answer

    async def logins(self, tokens: Sequence[str]) -> Mapping[str, Login | Unauthenticated]:
        hashes = [token_hash(token) for token in tokens]
        holders = {row["token_hash"]: row for row in await self._database.rows(_QUERIES["logins"], hashes)}
        return {token: _login(holders.get(proof)) for token, proof in zip(tokens, hashes, strict=True)}

    async def revoked_of(self, devices: Sequence[str]) -> Sequence[str]:
        asked = [device for device in devices if is_storable(device)]
        standing = {row["device"] for row in await self._database.rows(_QUERIES["standing_of"], asked)}
        return [device for device in devices if device not in standing]

    async def _row(self, query: str, named: str, *values: object) -> asyncpg.Record | None:
        """The row of what somebody named; a name that Postgres cannot even hold names nothing."""
        return await self._database.row(_QUERIES[query], named, *values) if is_storable(named) else None


def _login(row: asyncpg.Record | None) -> Login | Unauthenticated:
    if row is None:
        return LoginExpired("no device has this token")
    if row["revoked"]:
        return LoginRevoked(f"device {row['device']} was revoked")
    return Login(row["account"], row["device"])


def _no_account(account: str) -> NotFound:
    return NotFound(f"no account has the id {account!r}")

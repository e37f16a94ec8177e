"""Accounts in memory: a peer of the Postgres service, examined by the same suite, for tests and simulations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from syncd.accounts import Account, Device, LinkedDevice, Login
from syncd.accounts.minting import Mint, token_hash
from syncd.accounts.names import as_kept, device_taken, name_taken, small, usable_name
from syncd.clock import Clock
from syncd.errors import LoginExpired, LoginRevoked, NotFound, Unauthenticated


class MemoryAccounts:
    """Keeps the promises of `syncd.accounts.Accounts` until the process ends."""

    def __init__(self, clock: Clock, mint: Mint | None = None) -> None:
        self._clock = clock
        self._mint = Mint() if mint is None else mint
        self._accounts: dict[str, Account] = {}
        self._devices: dict[str, Device] = {}
        self._device_by_token: dict[bytes, str] = {}

    async def create(self, name: str) -> Account:
        account = Account(self._mint.id(), usable_name(name, what="account"), self._clock.now_ms())
        if any(known.name == account.name for known in self._accounts.values()):
            raise name_taken(account.name)
        self._accounts[account.account] = account
        return account

    async def find(self, account_or_name: str) -> Account:
        by_id = self._accounts.get(account_or_name)
        if by_id is not None:
            return by_id
        name = as_kept(account_or_name)
        for account in self._accounts.values():
            if account.name == name:
                return account
        raise NotFound(f"no account has the id or name {account_or_name!r}")

    async def all(self) -> Sequence[Account]:
        return sorted(self._accounts.values(), key=lambda account: (account.created_ms, account.account))

    async def search(self, text: str, *, after: str, limit: int) -> Sequence[Account]:
        wanted = small(as_kept(text))
        found = [
            account
            for account in self._accounts.values()
            if account.name > after and (wanted in small(account.name) or wanted in account.account)
        ]
        return sorted(found, key=lambda account: account.name)[:limit]

    async def adopt(self, account: Account, devices: Sequence[Device]) -> None:
        taken = any(known.name == account.name for known in self._accounts.values() if known.account != account.account)
        if taken and account.account not in self._accounts:
            raise name_taken(account.name)
        self._accounts.setdefault(account.account, account)
        for device in devices:
            if self._devices.setdefault(device.device, device).account != account.account:
                raise device_taken(device.device)

    async def erase(self, account: str) -> bool:
        self._devices = {device: known for device, known in self._devices.items() if known.account != account}
        self._device_by_token = {
            token: device for token, device in self._device_by_token.items() if device in self._devices
        }
        return self._accounts.pop(account, None) is not None

    async def link(self, account: str, *, name: str) -> LinkedDevice:
        name = usable_name(name, what="device")
        device, token = self._mint.id(), self._mint.token()
        linked_ms = self._clock.now_ms()
        self._must_exist(account)
        self._devices[device] = Device(device, account, name, linked_ms, None)
        self._device_by_token[token_hash(token)] = device
        return LinkedDevice(device, account, name, token)

    async def devices(self, account: str) -> Sequence[Device]:
        self._must_exist(account)
        mine = (device for device in self._devices.values() if device.account == account)
        return sorted(mine, key=lambda device: (device.linked_ms, device.device))

    async def revoke(self, device: str) -> Device:
        now_ms = self._clock.now_ms()
        known = self._devices.get(device)
        if known is None:
            raise NotFound(f"no device has the id {device!r}")
        if known.revoked_ms is None:
            known = self._devices[device] = replace(known, revoked_ms=now_ms)
        return known

    async def login(self, token: str) -> Login:
        device = self._device_by_token.get(token_hash(token))
        if device is None:
            raise LoginExpired("no device has this token")
        known = self._devices[device]
        if known.revoked_ms is not None:
            raise LoginRevoked(f"device {device} was revoked")
        return Login(known.account, device)

    async def logins(self, tokens: Sequence[str]) -> Mapping[str, Login | Unauthenticated]:
        answers: dict[str, Login | Unauthenticated] = {}
        for token in tokens:
            try:
                answers[token] = await self.login(token)
            except Unauthenticated as error:
                answers[token] = error
        return answers

    async def revoked_of(self, devices: Sequence[str]) -> Sequence[str]:
        return [
            device for device in devices if device not in self._devices or self._devices[device].revoked_ms is not None
        ]

    def _must_exist(self, account: str) -> None:
        if account not in self._accounts:
            raise NotFound(f"no account has the id {account!r}")

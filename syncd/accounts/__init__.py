"""Accounts and their devices: the door.

A device proves itself by a token of 256 random bits, of which only a hash is kept. Behind the door: `service` on
Postgres, `memory` as its peer in tests, and the rules they share. Other rooms know only what is exported here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from syncd.errors import Unauthenticated

__all__ = ["Account", "Accounts", "Device", "LinkedDevice", "Login"]


@dataclass(frozen=True, slots=True)
class Account:
    """`account`: its id, `[0-9a-z]{12}`. `name`: what people typed; unique."""

    account: str
    name: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Device:
    """`revoked_ms`: None while it stands."""

    device: str
    account: str
    name: str
    linked_ms: int
    revoked_ms: int | None


@dataclass(frozen=True, slots=True)
class LinkedDevice:
    """A device and its token, which is shown once and never again."""

    device: str
    account: str
    name: str
    token: str


@dataclass(frozen=True, slots=True)
class Login:
    """Who stands behind a token."""

    account: str
    device: str


class Accounts(Protocol):
    """What other rooms may ask. Every method may raise `StoreUnavailable`."""

    async def create(self, name: str) -> Account:
        """A new account. Raises `Conflict` when the name is taken, `Refused` when it is unusable."""

    async def find(self, account_or_name: str) -> Account:
        """By id or, when there is none, by name. Raises `NotFound`."""

    async def all(self) -> Sequence[Account]:
        """Every account, oldest first."""

    async def search(self, text: str, *, after: str, limit: int) -> Sequence[Account]:
        """At most `limit` accounts whose name or id holds the text, behind the name `after`, in the order of names by
        code points. Capitals of ASCII are like small letters."""

    async def adopt(self, account: Account, devices: Sequence[Device]) -> None:
        """Take in an account and devices that were made elsewhere, under their ids.

        Nobody holds a token of such a device: people link new ones. What is there already stays as it is, so twice is
        harmless. When cancelled, a part may be done; adopt again.

        Raises `Conflict` when the account's name, or a device's id, is another account's; a part may then be done.
        """

    async def erase(self, account: str) -> bool:
        """Forget an account, its devices and their tokens for good; False when there was none. Twice is harmless."""

    async def link(self, account: str, *, name: str) -> LinkedDevice:
        """A new device with a fresh token. Raises `NotFound`, and `Refused` when the name is unusable."""

    async def devices(self, account: str) -> Sequence[Device]:
        """All devices ever linked, oldest first. Raises `NotFound`."""

    async def revoke(self, device: str) -> Device:
        """End a device's login for good; twice is harmless. Raises `NotFound`."""

    async def login(self, token: str) -> Login:
        """Who holds this token. Raises `LoginExpired` when nobody does, `LoginRevoked` when it was revoked."""

    async def logins(self, tokens: Sequence[str]) -> Mapping[str, Login | Unauthenticated]:
        """Who holds each of these tokens; instead of raising, it answers with what `login` raises."""

    async def revoked_of(self, devices: Sequence[str]) -> Sequence[str]:
        """Those of the devices that are revoked or gone: what a gateway asks every few seconds for its connected
        ones."""

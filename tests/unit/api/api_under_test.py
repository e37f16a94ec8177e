"""The application on real adapters in memory, asked without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import httpx

from syncd.accounts import LinkedDevice
from syncd.api.app import create_app
from syncd.api.services import ApiServices, Readiness


@dataclass
class Api:
    """The application under test. Replace a service before asking."""

    services: ApiServices
    readiness: Readiness = field(default_factory=Readiness)

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", content: bytes | None = None
    ) -> httpx.Response:
        """Ask for one path, as a caller at `music.local:8080`."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(create_app(self.services))
            async with httpx.AsyncClient(transport=transport, base_url="http://music.local:8080") as client:
                return await client.request(method, path, headers=headers, content=content)

        return asyncio.run(ask())

    def having(self, **services: object) -> Api:
        """The same with other services."""
        self.services = replace(self.services, **services)  # type: ignore[arg-type]
        return self

    def linked(self, name: str = "ada") -> LinkedDevice:
        """A fresh account's device."""

        async def link() -> LinkedDevice:
            account = await self.services.accounts.create(name)
            return await self.services.accounts.link(account.account, name="phone")

        return asyncio.run(link())

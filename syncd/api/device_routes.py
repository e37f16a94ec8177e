"""Devices of the caller's account, over HTTP: another one is linked, a login is ended.

    POST   /v1/devices?name=...   a new device, with a token that is told once: {device, account, name, token}
    DELETE /v1/devices/<device>   its login is over, for good: {device, revoked: true}

Only these two change anything here; both ask for a token in the `Authorization` header, which no other site but those
of `SYNCD_ORIGINS` can make a browser send. A device of another account is answered as one that is not there.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from starlette.requests import Request
from starlette.routing import Route

from syncd.api.answers import Json, bearer_token
from syncd.api.services import ApiServices
from syncd.errors import LimitExceeded, LoginExpired, NotFound, Refused, Unauthenticated
from syncd.limits import LINKED_DEVICES_MAX

TOKEN_CHARS_MAX: Final = 512
"""Of a device's token; ours have 49. A longer one is not looked up."""


class DeviceRoutes:
    """The routes' answers."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        """For the application."""
        return [
            Route("/v1/devices", self.link, methods=["POST"]),
            Route("/v1/devices/{device}", self.revoke, methods=["DELETE"]),
        ]

    async def link(self, request: Request) -> Json:
        account = await account_of(self._services, request)
        name = request.query_params.get("name")
        if name is None:
            raise Refused("say what the device is called: POST /v1/devices?name=Kitchen")
        linked = [each for each in await self._services.accounts.devices(account) if each.revoked_ms is None]
        if len(linked) >= LINKED_DEVICES_MAX:
            raise LimitExceeded(f"{len(linked)} devices are linked, at most {LINKED_DEVICES_MAX}: sign some out first")
        return Json(asdict(await self._services.link_device(account, name)), 201)

    async def revoke(self, request: Request) -> Json:
        account = await account_of(self._services, request)
        device = request.path_params["device"]
        if device not in {each.device for each in await self._services.accounts.devices(account)}:
            raise NotFound(f"no device {device[:40]!r} in this account")
        await self._services.revoke_device(device)
        return Json({"device": device, "revoked": True})


async def account_of(services: ApiServices, request: Request) -> str:
    """The account of whoever asks.

    Raises:
        Unauthenticated: no token, or one that is no login any more.
    """
    token = bearer_token(request.headers)
    if token is None:
        raise Unauthenticated("send a device's token as `Authorization: Bearer ...`; `syncd device link` makes one")
    if len(token) > TOKEN_CHARS_MAX:
        raise LoginExpired(f"unknown token; this one has {len(token)} characters, tokens at most {TOKEN_CHARS_MAX}")
    return (await services.accounts.login(token)).account

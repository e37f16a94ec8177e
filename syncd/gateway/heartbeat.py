"""Tells the store that this gateway is here, so that devices are sent to it."""

from __future__ import annotations

import asyncio

from syncd.errors import Unavailable
from syncd.limits import GATEWAY_HEARTBEAT_S, GATEWAY_TTL_S
from syncd.logs import get_logger
from syncd.store.port import GatewayDirectory, LiveGateway

log = get_logger("gateway")

FAREWELL_TIMEOUT_S = 1.0


class Heartbeat:
    """Of one gateway."""

    def __init__(self, directory: GatewayDirectory, gateway: LiveGateway) -> None:
        self._directory = directory
        self._gateway = gateway
        self._leaving = False
        self._turn = asyncio.Lock()  # or a word under way could arrive after the farewell

    async def arrive(self) -> None:
        """Say so for the first time. Never raises: it is said again."""
        await self._say(timeout_s=GATEWAY_TTL_S)

    async def run(self) -> None:
        """Say so every `GATEWAY_HEARTBEAT_S`, until cancelled or leaving."""
        while not self._leaving:
            await asyncio.sleep(GATEWAY_HEARTBEAT_S)
            await self._say(timeout_s=GATEWAY_TTL_S)

    async def leave(self) -> None:
        """Say that no more devices are wanted. Never raises: in the end time says so too."""
        self._leaving = True
        await self._say(timeout_s=FAREWELL_TIMEOUT_S)

    async def _say(self, *, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s), self._turn:
                await self._directory.announce(self._gateway, draining=self._leaving)
        except (Unavailable, TimeoutError) as error:
            log.warning("heartbeat_lost", error=str(error) or f"no answer in {timeout_s} s")

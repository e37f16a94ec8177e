"""Which gateway a partition's devices are sent to: rendezvous hashing (highest random weight) over those that are here.

The plain way, partition modulo the number of gateways, moves nearly all of them when one comes or goes. Here every
gateway has a weight for every partition, and the heaviest owns it: one that leaves gives up its own partitions only, to
all others alike. It is a hint that saves work, as tails and ring of a partition are then at one gateway; any gateway
serves any account.

Source: Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from hashlib import sha256

from syncd.errors import Unavailable
from syncd.limits import GATEWAY_TTL_S
from syncd.logs import get_logger
from syncd.store.port import GatewayDirectory, LiveGateway

log = get_logger("gateway")

FRESH_S = 1.0
"""How long the store's answer is used: a gateway dies by time anyhow, and storms of devices ask all at once."""
ANSWER_TIMEOUT_S = 1.0
"""A hint is not worth a longer wait: the last answer serves."""


def ranked(partition: int, gateways: Iterable[LiveGateway]) -> list[LiveGateway]:
    """The gateways by their weight for a partition: the first one owns it, the next one inherits it."""
    return sorted(gateways, key=lambda gateway: _weight(partition, gateway.gateway), reverse=True)


def _weight(partition: int, gateway: str) -> bytes:
    return sha256(f"{partition} {gateway}".encode()).digest()


class Owners:
    """The gateways that are here, as the store knew them a moment ago."""

    def __init__(self, directory: GatewayDirectory) -> None:
        self._directory = directory
        self._known: Sequence[LiveGateway] = ()
        self._fresh_until_s = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def live(self) -> Sequence[LiveGateway]:
        """All of them. While the store is away, those that it knew last."""
        if asyncio.get_running_loop().time() >= self._fresh_until_s:
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask(), name="live-gateways")
            await asyncio.shield(self._asking)
        return self._known

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                self._known = await self._directory.live_gateways(ttl_s=GATEWAY_TTL_S)
        except (Unavailable, TimeoutError) as error:
            log.warning("gateways_unknown", error=str(error) or f"no answer in {ANSWER_TIMEOUT_S} s")
        finally:
            self._fresh_until_s = asyncio.get_running_loop().time() + FRESH_S
            self._asking = None

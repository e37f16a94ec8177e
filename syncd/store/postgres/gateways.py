"""Which gateways are here."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.postgres.database import Database
from syncd.postgres.queries import load_queries
from syncd.store.port import LiveGateway

_QUERIES = load_queries("syncd.store", "gateways.sql")


class PostgresGateways:
    """A `GatewayDirectory`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def announce(self, gateway: LiveGateway, *, draining: bool) -> None:
        await self._database.row(_QUERIES["announce"], gateway.gateway, gateway.ws_url, gateway.ws_port, draining)

    async def live_gateways(self, *, ttl_s: float) -> Sequence[LiveGateway]:
        return [LiveGateway(*row) for row in await self._database.rows(_QUERIES["gateways"], ttl_s)]

"""What a process serves over HTTP: the API with its pages, or for those who watch the process alone, or both."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from syncd.accounts import Device, LinkedDevice
from syncd.api.app import create_app, create_probe_app
from syncd.api.console_services import ConsoleServices
from syncd.api.server import HttpListeners
from syncd.api.services import ApiServices, GatewayAddress, ProbeServices, Readiness
from syncd.bootstrap.deployment import Deployment
from syncd.bootstrap.figures import OwnFigures, is_on
from syncd.errors import LogUnavailable, PositionLost, Unavailable
from syncd.gateway.owners import Owners, ranked
from syncd.metrics import Metrics
from syncd.operations import devices
from syncd.operations.console.panel import Panel
from syncd.operations.state import account_state
from syncd.store.migrate import migration_status

if TYPE_CHECKING:
    from syncd.gateway.gateway import Gateway

READY_TIMEOUT_S = 1.5
"""How long `/readyz` waits for the database."""


class Http:
    """The listeners of one process.

    Args:
        gateway: that of this process; None where there is none.

    Attributes:
        port, metrics_port: where the API and the probes are; None where they are not served.
        serving: the tasks that serve; they end at `stop`.
    """

    def __init__(self, deployment: Deployment, metrics: Metrics, own: OwnFigures, gateway: Gateway | None) -> None:
        self._deployment = deployment
        self._metrics = metrics
        self._own = own
        self._gateway = gateway
        self._listeners = HttpListeners()
        self._panel: Panel | None = None
        self.port: int | None = None
        self.metrics_port: int | None = None

    @property
    def serving(self) -> Sequence[asyncio.Task[None]]:
        return self._listeners.serving

    async def start(self, stack: AsyncExitStack, roles: frozenset[str], *, ws_port: int) -> None:
        """Serve what the roles and the settings ask for, once connections are accepted.

        Args:
            stack: closed after `stop`; the console lasts as long.
            ws_port: where a gateway of this host is, for devices that ask.

        Raises:
            ConfigError: a port is taken.
        """
        config, probes = self._deployment.config, self._probe_services()
        if "api" in roles:
            console = None
            if is_on(config):
                # The back room knows all that operators can do.
                from syncd.bootstrap.console import open_console

                console, self._panel = await stack.enter_async_context(open_console(self._deployment, self._own))
            app = create_app(self._api_services(probes, ws_port, console))
            self.port = await self._listeners.start(app, config.host, config.port, setting="SYNCD_PORT")
        if config.metrics_port is not None:
            app = create_probe_app(probes)
            self.metrics_port = await self._listeners.start(
                app, config.host, config.metrics_port, setting="SYNCD_METRICS_PORT"
            )

    def stop(self) -> None:
        """Close the listeners; requests under way are answered, or cut soon."""
        if self._panel is not None:
            self._panel.close()
        self._listeners.stop.set()

    def _probe_services(self) -> ProbeServices:
        deployment = self._deployment

        async def readiness() -> Readiness:
            draining = self._gateway is not None and self._gateway.draining
            pending, lag, folded = None, 0, None
            try:
                async with asyncio.timeout(READY_TIMEOUT_S):
                    pending = len((await migration_status(deployment.dsn)).pending)
                    partitions = range(deployment.log.partitions)
                    folded = [(await deployment.store.checkpoint(partition)).offset_next for partition in partitions]
                    for partition in partitions:
                        lag += max(0, await deployment.log.end(partition) - folded[partition])
            except (Unavailable, PositionLost, TimeoutError) as error:
                reason = str(error) or f"no answer in {READY_TIMEOUT_S} s"
                if folded is not None:
                    return Readiness(draining=draining, log_error=reason, migrations_pending=pending, lag_records=None)
                return Readiness(draining=draining, database_error=reason, migrations_pending=pending, lag_records=None)
            return Readiness(draining=draining, migrations_pending=pending, lag_records=lag)

        return ProbeServices(
            readiness=readiness,
            metrics=self._metrics,
            clock=deployment.clock,
            serves_metrics=deployment.config.metrics,
        )

    def _api_services(self, probes: ProbeServices, ws_port: int, console: ConsoleServices | None) -> ApiServices:
        deployment = self._deployment

        async def state(account: str) -> Mapping[str, object]:
            try:
                return await account_state(deployment.log, deployment.store, account, deployment.clock.now_ms())
            except PositionLost as error:  # the log begins another life, or moves; in a moment we have opened it anew
                raise LogUnavailable(str(error)) from error

        async def link(account: str, name: str) -> LinkedDevice:
            return await devices.link_device(deployment.accounts, deployment.log, deployment.clock, account, name=name)

        async def revoke(device: str) -> Device:
            return await devices.revoke_device(
                deployment.accounts, deployment.log, deployment.side_channel, deployment.clock, device
            )

        owners = Owners(deployment.store)

        async def gateways(account: str | None) -> Sequence[GatewayAddress]:
            live = list(await owners.live())
            if account is None:
                random.shuffle(live)
            else:
                live = ranked(deployment.log.partition_of(f"a:{account}"), live)
            return [GatewayAddress(each.ws_url, each.ws_port) for each in live]

        return ApiServices(
            accounts=deployment.accounts,
            account_state=state,
            link_device=link,
            revoke_device=revoke,
            probes=probes,
            ws_port=ws_port,
            public_ws_url=deployment.config.public_ws_url,
            gateways=gateways,
            list_items_max=deployment.config.list_items_max,
            origins=deployment.config.origins,
            console=console,
        )

"""How a process does, as it tells the others: through the store, for the operators' console of each of them."""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import suppress
from os import getpid

from syncd.bootstrap.deployment import Deployment
from syncd.clock import Clock
from syncd.config import Config
from syncd.errors import StoreUnavailable
from syncd.metrics import Metrics
from syncd.operations.console.figures import Figures, encode_figures, figures_of
from syncd.operations.console.panel import SAMPLE_S


class OwnFigures:
    """The figures of this process, made once for all who ask within a moment: some are sums over all connections.

    Attributes:
        process: what this one is called among others: where it runs, and something that no other one has.
        roles: in words.
    """

    def __init__(self, metrics: Metrics, clock: Clock, roles: frozenset[str]) -> None:
        self.process = f"{socket.gethostname()[:40]}-{getpid()}-{secrets.token_hex(2)}"
        self.roles = ", ".join(sorted(roles))
        self._metrics = metrics
        self._clock = clock
        self._latest: Figures | None = None

    def __call__(self) -> Figures:
        """As they are now, or were a moment ago."""
        now_s = self._clock.monotonic_s()
        if self._latest is None or now_s - self._latest.at_s >= SAMPLE_S / 2:
            self._latest = figures_of(self._metrics, at_s=now_s)
        return self._latest


async def report_figures(deployment: Deployment, own: OwnFigures) -> None:
    """Tell the store how this process does, until cancelled. What the store does not take is told again soon."""
    while True:
        with suppress(StoreUnavailable):
            await deployment.store.report(own.process, roles=own.roles, figures=encode_figures(own()))
        await asyncio.sleep(SAMPLE_S)


def is_on(config: Config) -> bool:
    """Whether processes tell how they do, and the API shows it."""
    return config.console != "off"

"""All devices of a run: connected a few at a time, and gone at the end."""

from __future__ import annotations

import asyncio
import random
import time
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from load.generator.adapters import ADAPTERS
from load.generator.device import Device, Seat
from load.generator.job import Job, Step
from load.generator.tally import Tally
from load.scenarios import Paced

CONNECTING = 64
"""Devices that connect at the same time: enough to keep a server busy, too few to overflow its accept queue."""
CONNECT_TIMEOUT_S = 30.0
"""For one device, from the TCP connect to its first full state."""


class Fleet:
    """`accounts` times `devices` devices."""

    def __init__(self, job: Job, tally: Tally, *, seed: int = 1) -> None:
        """`seed`: of the order in which devices take turns."""
        make = ADAPTERS[job.adapter]
        self._job = job
        self._rng = random.Random(seed)
        self.devices: list[Device] = [make(tally, seat) for seat in _seats(job)]
        self._ports = dict(zip(self.devices, _ports(job), strict=True))
        self._order = list(self.devices)
        self._rng.shuffle(self._order)
        self._turn = 0
        self._per_account = job.scenario.devices
        zipf = job.scenario.zipf if isinstance(job.scenario, Paced) else 0.0
        weights = (1 / rank**zipf for rank in range(1, job.scenario.accounts + 1))
        self._chances = list(accumulate(weights)) if zipf else None

    async def connect(
        self, tell: Callable[[Step], None], devices: Sequence[Device] | None = None, *, at_once: int = CONNECTING
    ) -> list[int]:
        """Connect these devices, or all of them; how long each took, ns.

        Raises:
            ConnectionError: one does not get through.
        """
        devices = self.devices if devices is None else devices
        waiting = iter(devices)
        done = 0
        took_ns: list[int] = []

        async def worker() -> None:
            nonlocal done
            for device in waiting:
                began_ns = time.perf_counter_ns()
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await device.connect(self._job.host, self._ports[device])
                took_ns.append(time.perf_counter_ns() - began_ns)
                done += 1
                if done % 100 == 0:
                    tell(Step("devices connected", done, len(devices)))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(worker())
        except* (OSError, TimeoutError) as failures:
            first: BaseException = failures
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise ConnectionError(f"device {done + 1} of {len(devices)} did not connect: {first!r}") from first
        return took_ns

    def next(self) -> Device:
        """The device whose turn it is: all of them, in a drawn order, again and again."""
        device = self._order[self._turn]
        self._turn = (self._turn + 1) % len(self._order)
        return device

    def drawn(self) -> Device:
        """Any device; its account by the scenario's chances."""
        if self._chances is None:
            return self.devices[int(self._rng.random() * len(self.devices))]
        account = bisect(self._chances, self._rng.random() * self._chances[-1])
        return self.devices[account * self._per_account + int(self._rng.random() * self._per_account)]

    def close(self) -> None:
        for device in self.devices:
            device.close()


def _seats(job: Job) -> Iterator[Seat]:
    scenario = job.scenario
    for account in range(scenario.accounts):
        for index in range(scenario.devices):
            login = job.logins[account][index] if job.logins else ""
            yield Seat(account, index, scenario.devices, login)


def _ports(job: Job) -> Iterator[int]:
    """Of each seat, the port that its device comes to."""
    for account in range(job.scenario.accounts):
        ports = job.homes[account] if job.homes else [job.port]
        for device in range(job.scenario.devices):
            yield ports[device % len(ports)]

"""All devices of a run: connected a few at a time, and gone at the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator

from load.generator.adapters import ADAPTERS
from load.generator.device import Device, Seat
from load.generator.job import Job, Step
from load.generator.tally import Tally

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
        self._order = list(self.devices)
        self._rng.shuffle(self._order)
        self._turn = 0

    async def connect(self, tell: Callable[[Step], None]) -> None:
        """Connect all of them. Raises `ConnectionError` when one does not get through."""
        waiting = iter(self.devices)
        done = 0

        async def worker() -> None:
            nonlocal done
            for device in waiting:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await device.connect(self._job.host, self._job.port)
                done += 1
                if done % 100 == 0:
                    tell(Step("devices connected", done, len(self.devices)))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(CONNECTING):
                    group.create_task(worker())
        except* (OSError, TimeoutError) as failures:
            first: BaseException = failures
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise ConnectionError(f"device {done + 1} of {len(self.devices)} did not connect: {first!r}") from first

    def next(self) -> Device:
        """The device whose turn it is: all of them, in a drawn order, again and again."""
        device = self._order[self._turn]
        self._turn = (self._turn + 1) % len(self._order)
        return device

    def drawn(self) -> Device:
        """Any device, each with the same chance."""
        return self.devices[int(self._rng.random() * len(self.devices))]

    def close(self) -> None:
        for device in self.devices:
            device.close()


def _seats(job: Job) -> Iterator[Seat]:
    scenario = job.scenario
    for account in range(scenario.accounts):
        for index in range(scenario.devices):
            login = job.logins[account][index] if job.logins else ""
            yield Seat(account, index, scenario.devices, login)

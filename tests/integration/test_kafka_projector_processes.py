"""`syncd projector` as processes on one Kafka topic: killed, frozen beyond its lease and thawed, told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from kafka_home import PARTITIONS, Deployed, busy, deployed

from syncd.bootstrap import open_deployment
from syncd.config import Config
from syncd.testing.patience import PATIENCE_S, eventually

STORY_S = 150.0


@dataclass
class ProjectorProcess:
    process: asyncio.subprocess.Process
    metrics_url: str

    async def number(self, name: str) -> int:
        """One of its metrics."""
        async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
            text = (await http.get(f"{self.metrics_url}/metrics")).text
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        assert found is not None, text
        return int(float(found[1]))

    async def holds(self, count: int) -> None:
        async def does() -> bool:
            return await self.number("syncd_leases") == count

        await eventually(does, f"it does not hold {count} leases")


@asynccontextmanager
async def projector(home: Deployed) -> AsyncIterator[ProjectorProcess]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")}
    log = f"kafka://{home.address}/{home.topic}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "syncd.cli", "projector", "--json", "--metrics-port", "0",
        stdout=asyncio.subprocess.PIPE, env={**inherited, "SYNCD_DATABASE_URL": home.dsn, "SYNCD_LOG": log},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = json.loads(await process.stdout.readline())
        yield ProjectorProcess(process, said["metrics_url"])
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def moved_beyond(home: Deployed, offsets: dict[int, int]) -> None:
    """Wait until every partition is folded beyond these ends."""

    async def is_there() -> bool:
        return all(at > offsets[partition] for partition, at in (await home.checkpoints()).items())

    await eventually(is_there, "a partition stands still")


def test_killed_frozen_and_stopped_while_records_flow(postgres_dsn: str, kafka_address: str) -> None:
    """State stays the refold of the log through all of it, and every partition goes on."""

    async def story() -> None:
        async with deployed(postgres_dsn, kafka_address) as home:
            # The deployment writes down its topic while it is empty.
            config = Config(database_url=postgres_dsn, log=f"kafka://{kafka_address}/{home.topic}")
            async with open_deployment(config) as deployment:
                assert deployment.log.partitions == PARTITIONS
            async with busy(home), projector(home) as staying:
                async with projector(home) as killed:
                    await staying.holds(2)
                    await killed.holds(2)
                    killed.process.send_signal(signal.SIGKILL)
                    await moved_beyond(home, await home.ends())

                async with projector(home) as other:
                    await staying.holds(2)
                    await other.holds(2)
                    staying.process.send_signal(signal.SIGSTOP)
                    # Beyond the lease: the other one has taken what was not its.
                    await other.holds(PARTITIONS)
                    await moved_beyond(home, await home.ends())
                    lost = await _thawed(staying)
                    assert lost > 0, "what it had read before it froze was refused"
                    other.process.send_signal(signal.SIGTERM)
                    assert await other.process.wait() == 0
                    await moved_beyond(home, await home.ends())
                    await staying.holds(PARTITIONS)
            # `busy` has ended, and so has every projector: one more folds the rest.
            async with projector(home), open_deployment(config) as deployment:
                await home.folded(deployment.log)

    asyncio.run(asyncio.wait_for(story(), STORY_S))


async def _thawed(frozen: ProjectorProcess) -> int:
    """Let it go on; how many leases it found lost."""
    frozen.process.send_signal(signal.SIGCONT)

    async def lost() -> int:
        return await frozen.number("syncd_leases_lost_total")

    return await eventually(lost, "it has not noticed")

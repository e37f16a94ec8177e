"""What those who watch a deployment are told: every role serves its numbers, they are right, and they name nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from prometheus_client.parser import text_string_to_metric_families
from raw_device import RawDevice

from syncd.bootstrap import ROLES, Running, run_roles
from syncd.config import Config
from syncd.log.record import Record
from syncd.testing.patience import PATIENCE_S, eventually
from syncd.testing.service import Service, running_service

STORY_S = 150.0
EVENTS = 4
Told = Mapping[tuple[str, str], float]


@asynccontextmanager
async def running(config: Config, role: str) -> AsyncIterator[Running]:
    """One role in a process of its own, as far as roles know: they share nothing but the database."""
    ready: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    task = asyncio.create_task(run_roles(config, frozenset({role}), on_ready=ready.set_result, stop=stop))
    try:
        await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            task.result()
        yield ready.result()
    finally:
        stop.set()
        await task


async def asked(url: str | None) -> httpx.Response:
    assert url is not None
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        return await client.get(url)


async def numbers(url: str | None) -> Told:
    """(name, the label's value or nothing) -> value."""
    families = text_string_to_metric_families((await asked(f"{url}/metrics")).text)
    return {(s.name, next(iter(s.labels.values()), "")): s.value for family in families for s in family.samples}


def test_each_role_alone_serves_health_and_metrics_on_a_listener_of_its_own(postgres_dsn: str) -> None:
    async def story() -> None:
        config = Config(port=0, ws_port=0, metrics_port=0, database_url=postgres_dsn)
        async with asyncio.timeout(STORY_S), AsyncExitStack() as stack:
            at = {role: await stack.enter_async_context(running(config, role)) for role in sorted(ROLES)}
            for role, where in at.items():
                assert (await asked(f"{where.metrics_url}/healthz")).json()["alive"] is True, role
                assert (await asked(f"{where.metrics_url}/readyz")).json()["ready"] is True, role
                assert ("syncd_draining", "") in await numbers(where.metrics_url), role
                assert (await asked(f"{where.metrics_url}/v1/connect")).status_code == 404, role
            assert at["gateway"].http_url is None

            async def holds_the_lease() -> bool:
                return (await numbers(at["projector"].metrics_url))["syncd_leases", ""] == 1

            await eventually(holds_the_lease)
            assert (await numbers(at["projector"].metrics_url))["syncd_partitions", ""] == 1

    asyncio.run(story())


def test_without_a_metrics_port_there_is_no_third_listener(postgres_dsn: str) -> None:
    async def story() -> None:
        async with running(Config(ws_port=0, database_url=postgres_dsn), "gateway") as where:
            assert where.metrics_url is None

    asyncio.run(story())


def test_what_happened_is_counted_and_nobody_is_named(postgres_dsn: str) -> None:
    """Two gateways: deltas of the own one and of the other one are measured, each in its way."""

    async def story() -> None:
        config = Config(port=0, ws_port=0, metrics_port=0, database_url=postgres_dsn)
        async with (
            asyncio.timeout(STORY_S),
            running_service(config) as service,
            running(config, "gateway") as other,
        ):
            phone, laptop, speaker = await service.account("a listener", "phone", "laptop", "speaker")
            here = [RawDevice(service.ws_url, each.token) for each in (phone, laptop)]
            there = RawDevice(other.ws_url or "", speaker.token)
            for device in (*here, there):
                await device.connect()
                await device.arrive("a:me")
            for _ in range(EVENTS):
                ack = await here[0].emit_acked("settings.changed", {"theme": "a secret taste"})
                await here[1].knows(ack)
                await there.knows(ack)
            await here[0].nacked(await here[0].emit("no.such.kind", {}))
            (bad,) = await service.deployment.log.append([Record("a:x", "w" * 10, 1, "settings.changed", 1, b"{")])
            assert bad.outcome == "written"

            async def is_set_aside() -> bool:
                return (await numbers(service.http_url))["syncd_dead_letters_total", ""] == 1

            await eventually(is_set_aside)
            await here[0].nacked(await here[0].emit("settings.changed", {}, stream="a:somebody"))
            for device in here:
                await device.disconnect()
            await there.cut()

            async def are_gone() -> bool:
                told = await numbers(service.http_url)
                return told.get(("syncd_closes_total", "1000")) == 2 and told["syncd_connections", ""] == 0

            await eventually(are_gone)
            told, told_there = await numbers(service.http_url), await numbers(other.metrics_url)
            assert told["syncd_connections_opened_total", ""] == 2
            assert told["syncd_resumes_total", "snapshot"] == 2
            assert told["syncd_events_refused_total", "invalid"] == 1
            assert told["syncd_events_refused_total", "forbidden"] == 1
            # Rarely a poll of the log is quicker than the answer to the append.
            assert told["syncd_commit_to_delta_seconds_count", ""] > 0
            both = ("syncd_commit_to_delta_seconds_count", "syncd_admit_to_delta_seconds_count")
            assert sum(told[name, ""] for name in both) == EVENTS
            assert told_there["syncd_commit_to_delta_seconds_count", ""] == 0
            assert told_there["syncd_admit_to_delta_seconds_count", ""] == EVENTS
            assert told["syncd_lag_records", "0"] == 0
            assert told["syncd_dead_letters_waiting", "0"] in (0, 1)  # counted every now and then
            for url in (service.http_url, other.metrics_url):
                text = (await asked(f"{url}/metrics")).text
                for secret in (phone.account, phone.device, phone.token, "taste", "theme", "a listener"):
                    assert secret not in text

    asyncio.run(story())


def test_the_dead_letters_that_wait_are_counted_by_partition(postgres_dsn: str) -> None:
    async def story() -> None:
        config = Config(port=0, ws_port=0, database_url=postgres_dsn)

        async def told(service: Service) -> bool:
            return (await numbers(service.http_url)).get(("syncd_dead_letters_waiting", "0")) == 2

        async with asyncio.timeout(STORY_S):
            async with running_service(config) as service:
                records = [Record("a:x", "w" * 10, seq, "settings.changed", 1, b"{") for seq in (1, 2)]
                await service.deployment.log.append(records)

                async def are_set_aside() -> bool:
                    return (await service.deployment.store.dead_letters_waiting(0)) == 2

                await eventually(are_set_aside)
            # A projector that begins counts what waits.
            async with running_service(config) as service:
                await eventually(lambda: told(service))

    asyncio.run(story())

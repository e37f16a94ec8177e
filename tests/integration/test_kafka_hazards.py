"""What brokers do to a log that lives on them: die, freeze, come back, lose their disk. On a broker of this file's own.

Source: hazards.md, "Measured", on aiokafka; docs/decisions/0007-kafka-log.md
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from syncd.bootstrap import open_deployment, run_roles
from syncd.client import Device
from syncd.config import Config
from syncd.errors import EpochChanged, LogUnavailable
from syncd.log.kafka import KafkaLog, KafkaSecurity, brokers
from syncd.log.port import Appended
from syncd.log.record import Record
from syncd.store.migrate import new_epoch
from syncd.testing.kafka import PASSWORD, USER, KafkaBroker, KafkaMissing, running_kafka
from syncd.testing.patience import eventually, until
from syncd.testing.quiet import until_projected
from syncd.testing.service import running_service

APPEND_TIMEOUT_S = 4.0
"""Instead of ten seconds, so that unknown outcomes come soon; a broker that has just started may need two."""
ANSWER_TIMEOUT_S = 3.0
"""Instead of five."""

STORY_S = 150.0
BACK_S = 60.0
"""From a broker that is back to the first ack."""

Story = Callable[[KafkaLog], Coroutine[object, object, None]]


@pytest.fixture(scope="module")
def own_broker() -> Iterator[KafkaBroker]:
    try:
        with running_kafka() as broker:
            yield broker
    except KafkaMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def broker(own_broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaBroker]:
    """The broker, running when a test begins, whatever the one before did to it."""
    monkeypatch.setattr(brokers, "ANSWER_TIMEOUT_S", ANSWER_TIMEOUT_S)
    yield own_broker
    if own_broker.is_running:
        own_broker.thaw()
    else:
        own_broker.start()


def record(seq: int, *, body: bytes = b"{}") -> Record:
    return Record("a:1", "wwwwwwwwww", seq, "list.inserted", 1, body)


def tell(broker: KafkaBroker, story: Story, **how: Any) -> None:
    """Run a story with a log in a topic of its own, in which nothing breaks behind its back."""
    broken: list[dict[str, Any]] = []

    async def opened() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
        async with open_log(broker.address, f"test-{secrets.token_hex(8)}", **how) as log:
            await story(log)

    asyncio.run(opened())
    assert broken == []


@asynccontextmanager
async def open_log(
    address: str, topic: str, *, append_timeout_s: float = APPEND_TIMEOUT_S, **how: Any
) -> AsyncIterator[KafkaLog]:
    log = await KafkaLog.open(address, topic, partitions=1, append_timeout_s=append_timeout_s, **how)
    try:
        yield log
    finally:
        await log.close()


async def append(log: KafkaLog, *seqs: int) -> Appended:
    (appended,) = await log.append([record(seq) for seq in seqs])
    return appended


async def append_until_written(log: KafkaLog, seq: int) -> Appended:
    """As a device does: again and again."""

    async def written() -> Appended | None:
        appended = await append(log, seq)
        return appended if appended.outcome == "written" else None

    return await eventually(written, timeout_s=BACK_S)


async def seqs_in(log: KafkaLog) -> list[int]:
    """Everything in the log, whose offsets must have no gap."""
    found = await log.read(0, 0, limit=1_000)
    assert [one.offset for one in found] == list(range(len(found)))
    return [one.seq for one in found]


async def restart(broker: KafkaBroker) -> None:
    """Takes seconds, in which the log goes on."""
    broker.launch()
    await asyncio.to_thread(broker.wait_ready)


def test_a_killed_broker_costs_nothing_that_was_acked(broker: KafkaBroker) -> None:
    """And a tail goes on: a consumer of aiokafka may stand still after a restart, for ever and without an error."""

    async def story(log: KafkaLog) -> None:
        seen: list[int] = []

        async def follow() -> None:
            while seen[-1:] != [9]:
                try:
                    if await log.wait_beyond(0, len(seen), timeout_s=30) > len(seen):
                        seen.extend(one.seq for one in await log.read(0, len(seen), limit=100))
                except LogUnavailable:
                    await asyncio.sleep(0.1)

        tail = asyncio.create_task(follow())
        assert (await append(log, 1)).outcome == "written"
        await asyncio.to_thread(broker.kill)
        assert (await append(log, 2)).outcome in ("refused", "unknown")
        with pytest.raises(LogUnavailable):
            await log.end(0)
        await restart(broker)
        await append_until_written(log, 9)
        async with asyncio.timeout(BACK_S):
            await tail
        assert seen == await seqs_in(log)
        assert (seen[0], seen[-1]) == (1, 9)
        assert set(seen) <= {1, 2, 9}

    tell(broker, story)


def test_an_append_that_finds_no_leader_is_refused_and_leaves_no_gap(
    broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that was numbered and not sent would leave one, and every later one be out of sequence, for ever.

    One broker leads or is away, so that nobody leads has to be said in its place.
    """

    async def story(log: KafkaLog) -> None:
        assert (await append(log, 1)).outcome == "written"
        with monkeypatch.context() as leaderless:
            leaderless.setattr(brokers.Brokers, "_leader", lambda _self, _partition: None)
            assert (await append(log, 2)).outcome == "refused"
        assert (await append(log, 3)).outcome == "written"
        assert await seqs_in(log) == [1, 3]

    tell(broker, story)


def test_a_batch_whose_answer_was_lost_is_sent_again_and_written_once(
    broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker knows the producer's count: it answers with the place of the first one."""
    asked = brokers.Brokers.ask

    async def story(log: KafkaLog) -> None:
        assert (await append(log, 1)).outcome == "written"
        lost: list[object] = []

        async def lose_one(self: brokers.Brokers, *what: Any, **how: Any) -> Any:
            answer = await asked(self, *what, **how)
            if how.get("lane") == "produce" and not lost:
                lost.append(answer)
                raise LogUnavailable("the answer was lost")
            return answer

        with monkeypatch.context() as losing:
            losing.setattr(brokers.Brokers, "ask", lose_one)
            appended = await append(log, 2, 3)
        assert len(lost) == 1
        assert (appended.outcome, appended.offset_start) == ("written", 1)
        assert (await append(log, 4)).offset_start == 3
        assert await seqs_in(log) == [1, 2, 3, 4]

    tell(broker, story)


def test_an_append_that_a_frozen_broker_swallowed_is_unknown(broker: KafkaBroker) -> None:
    """It is never called refused: the broker finds it in its socket when it thaws, and writes it."""

    async def story(log: KafkaLog) -> None:
        assert (await append(log, 1)).outcome == "written"
        broker.freeze()
        assert (await append(log, 2)).outcome == "unknown"
        broker.thaw()
        await append_until_written(log, 3)
        seqs = await seqs_in(log)
        assert set(seqs) - {2} == {1, 3}
        assert seqs.count(2) <= 1

    tell(broker, story)


def test_a_cancelled_append_to_a_frozen_broker_is_not_withdrawn(broker: KafkaBroker) -> None:
    async def story(log: KafkaLog) -> None:
        await append(log, 1)
        broker.freeze()
        cancelled = asyncio.create_task(append(log, 2))
        await until(lambda: _has_unread(broker.port))
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        broker.thaw()
        await append_until_written(log, 3)
        assert await seqs_in(log) == [1, 2, 3]

    tell(broker, story)


def test_a_tail_notices_a_broker_that_froze_and_thawed(broker: KafkaBroker) -> None:
    async def story(log: KafkaLog) -> None:
        await append(log, 1)
        wait = asyncio.create_task(log.wait_beyond(0, 1, timeout_s=600))
        await asyncio.sleep(0.1)  # for its request to be at the broker
        broker.freeze()
        with pytest.raises(LogUnavailable):
            await wait
        broker.thaw()
        wait = asyncio.create_task(log.wait_beyond(0, 1, timeout_s=600))
        # By another process, so that nothing but the broker can tell.
        async with open_log(broker.address, log.topic) as other, asyncio.timeout(BACK_S):
            await append_until_written(other, 2)
            assert await wait == 2

    tell(broker, story)


def test_a_broker_that_lost_its_disk_is_another_life(broker: KafkaBroker) -> None:
    """The topic keeps its id, and ends below what was seen. Nobody jumps to its end, and nobody acks."""

    async def story(log: KafkaLog) -> None:
        async with open_log(broker.address, log.topic) as appending:
            await append(log, 1, 2, 3)
            await append(appending, 4)
            await asyncio.to_thread(broker.stop)
            shutil.rmtree(broker.folder / "data" / f"{log.topic}-0")
            await restart(broker)
            with pytest.raises(EpochChanged, match="ends at 0, 3 were seen: records are lost"):
                await log.read(0, 3, limit=10)
            assert (await append(log, 5)).outcome == "refused"
            with pytest.raises(EpochChanged):
                await log.wait_beyond(0, 3, timeout_s=10)
            async with asyncio.timeout(BACK_S):
                while not (appended := await append(appending, 6)).reason.endswith("open the log anew"):
                    assert appended.outcome != "written"
            assert (await append(appending, 7)).outcome == "refused"

    tell(broker, story)


def test_a_disk_that_was_lost_while_nobody_looked_is_named_by_whoever_starts(
    broker: KafkaBroker, postgres_dsn: str
) -> None:
    """The topic is the same by its id; what tells is that the store has folded more than it holds."""
    topic = f"test-{secrets.token_hex(8)}"
    config = Config(
        port=0, ws_port=0, database_url=postgres_dsn, log=f"kafka://{broker.address}/{topic}", log_partitions=1
    )

    async def story() -> None:
        async with running_service(config) as service:
            (phone,) = await service.account("alice", "phone")
            async with Device(service.ws_url, phone.token) as device:
                await device.settings.set("theme", "dark")
                await device.settled()
            await until_projected(service.deployment.log, service.deployment.store)
        await asyncio.to_thread(broker.stop)
        shutil.rmtree(broker.folder / "data" / f"{topic}-0")
        await restart(broker)
        for role in ("gateway", "projector"):
            with pytest.raises(
                EpochChanged, match="partition 0 ends at 0, 2 were folded: .* `syncd migrate --new-epoch`"
            ):
                await run_roles(config, frozenset({role}), on_ready=lambda _: None, stop=asyncio.Event())
        await new_epoch(postgres_dsn)
        async with running_service(config) as service, Device(service.ws_url, phone.token) as device:
            await device.ready()
            assert device.settings.get("theme") == "dark", "state stays"
            assert (await device.verify()).agrees

    asyncio.run(asyncio.wait_for(story(), STORY_S))


@pytest.mark.parametrize("command", [("verify",), ("why", "alice", "settings/theme")])
def test_an_operator_who_waits_for_a_frozen_broker_ends_it_by_ctrl_c(
    broker: KafkaBroker, postgres_dsn: str, command: tuple[str, ...]
) -> None:
    url = f"kafka://{broker.address}/test-{secrets.token_hex(8)}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SYNCD_")}

    async def story() -> None:
        async with open_deployment(Config(database_url=postgres_dsn, log=url, log_partitions=1)) as deployment:
            await deployment.accounts.create("alice")
        broker.freeze()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "syncd.cli", *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**inherited, "SYNCD_DATABASE_URL": postgres_dsn, "SYNCD_LOG": url},
        )  # fmt: skip
        try:
            await until(lambda: _has_asked(process.pid, broker.port))
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert (process.returncode, out, err) == (130, b"", b"")

    asyncio.run(asyncio.wait_for(story(), STORY_S))


def _has_asked(pid: int, port: int) -> bool:
    """Whether a process holds a connection to a port of this machine."""
    ours = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed just now
            ours.add(os.readlink(fd))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[2].endswith(f":{port:04X}") and f"socket:[{row[9]}]" in ours for row in rows)


def _has_unread(port: int) -> bool:
    """Whether bytes wait for whoever serves a port of this machine."""
    families = (Path(f"/proc/net/{family}").read_text() for family in ("tcp", "tcp6"))  # Java listens on both at once
    rows = [line.split() for family in families for line in family.splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and int(row[4].partition(":")[2], 16) for row in rows)


def test_closing_does_not_wait_for_a_frozen_broker(broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(log: KafkaLog) -> None:
        await append(log, 1)
        monkeypatch.setattr(brokers, "ANSWER_TIMEOUT_S", 10 * STORY_S)
        broker.freeze()
        under_way = asyncio.create_task(append(log, 2))
        await until(lambda: _has_unread(broker.port))
        # Not before: what it asks would be unread as well, and the append perhaps not sent.
        wait = asyncio.create_task(log.wait_beyond(0, 1, timeout_s=600))
        await asyncio.sleep(0)  # a turn of the loop, in which it begins
        async with asyncio.timeout(BACK_S):
            await log.close()
            assert (await under_way).outcome == "unknown"
            assert (await append(log, 3)).outcome == "refused"
            with pytest.raises(LogUnavailable):
                await wait

    tell(broker, story, append_timeout_s=10 * STORY_S)


def test_a_login_opens_the_log_and_a_wrong_one_does_not(broker: KafkaBroker) -> None:
    security = KafkaSecurity(protocol="SASL_PLAINTEXT", username=USER, password=PASSWORD)

    async def story() -> None:
        topic = f"test-{secrets.token_hex(8)}"
        async with open_log(broker.login_address, topic, security=security) as log:
            assert (await append(log, 1)).outcome == "written"
            assert await seqs_in(log) == [1]
        wrong = KafkaSecurity(protocol="SASL_PLAINTEXT", username=USER, password="wrong-one")
        with pytest.raises(
            LogUnavailable, match="SaslAuthenticationFailed|IllegalSaslState|KafkaConnection"
        ) as refused:
            await KafkaLog.open(broker.login_address, topic, partitions=1, security=wrong)
        assert "wrong-one" not in str(refused.value)

    asyncio.run(story())

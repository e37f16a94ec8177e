"""What only the Kafka adapter promises. The rest is in test_log.py. Source: docs/decisions/0007-kafka-log.md"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.conn import AIOKafkaConnection
from logs_under_test import record, records

from syncd import limits
from syncd.errors import ConfigError, EpochChanged, LogUnavailable, OffsetExpired, Poison
from syncd.log.kafka import KafkaAddress, KafkaLog, KafkaSecurity, brokers, open_kafka_log
from syncd.log.kafka.topic import BATCH_BYTES_MAX
from syncd.log.record import decode_record
from syncd.testing.patience import PATIENCE_S, eventually

Story = Callable[[KafkaLog], Coroutine[object, object, None]]


@pytest.fixture
def topic() -> str:
    return f"test-{secrets.token_hex(8)}"


def tell(address: str, topic: str, story: Story, *, partitions: int = 1) -> None:
    """Run a story with the log open."""

    async def opened() -> None:
        async with open_log(address, topic, partitions=partitions) as log:
            await story(log)

    asyncio.run(opened())


@asynccontextmanager
async def open_log(
    address: str, topic: str, *, partitions: int | None = 1, **how: Any
) -> AsyncIterator[KafkaLog]:  # fmt: skip
    log = await KafkaLog.open(address, topic, partitions=partitions, **how)
    try:
        yield log
    finally:
        await log.close()


@asynccontextmanager
async def administrator(address: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def create_topic(address: str, topic: str, **settings: str) -> None:
    async with administrator(address) as admin:
        named = {name.replace("_", "."): value for name, value in settings.items()}
        response = await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=named)])
        assert [error for _, error, _ in response.topic_errors] == [0]


async def delete_topic(address: str, topic: str) -> None:
    async with administrator(address) as admin:
        await admin.delete_topics([topic])


async def change_topic(address: str, topic: str, **settings: str) -> None:
    async with administrator(address) as admin:
        named = {name.replace("_", "."): value for name, value in settings.items()}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, named)])


async def settings_of(address: str, topic: str) -> dict[str, str]:
    async with administrator(address) as admin:
        (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        return {entry[0]: entry[1] for entry in response.resources[0][4]}


def test_an_absent_topic_is_made_so_that_it_forgets_nothing(kafka_address: str, topic: str) -> None:
    async def story(log: KafkaLog) -> None:
        assert log.partitions == 2
        held = await settings_of(kafka_address, topic)
        assert (held["cleanup.policy"], held["retention.ms"], held["retention.bytes"]) == ("delete", "-1", "-1")
        assert held["unclean.leader.election.enable"] == "false"
        assert int(held["max.message.bytes"]) == BATCH_BYTES_MAX > limits.APPEND_BYTES_MAX

    tell(kafka_address, topic, story, partitions=2)


def test_another_partition_count_is_refused(kafka_address: str, topic: str) -> None:
    async def story(log: KafkaLog) -> None:
        with pytest.raises(ConfigError, match="has 2 partitions, the deployment 3: see `syncd repartition`"):
            await KafkaLog.open(kafka_address, topic, partitions=3)
        async with open_log(kafka_address, topic, partitions=None) as whatever_is_there:
            assert whatever_is_there.partitions == 2

    tell(kafka_address, topic, story, partitions=2)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"cleanup_policy": "compact"}, "cleanup.policy=compact"),
        ({"max_message_bytes": "1048588"}, "max.message.bytes=1048588, at least 8388608"),
    ],
)
def test_a_topic_that_would_lose_records_is_refused(
    kafka_address: str, topic: str, settings: dict[str, str], says: str
) -> None:
    async def story() -> None:
        await create_topic(kafka_address, topic, **settings)
        with pytest.raises(ConfigError, match=says):
            await KafkaLog.open(kafka_address, topic)

    asyncio.run(story())


def test_the_largest_group_is_one_batch_and_a_larger_one_is_refused(kafka_address: str, topic: str) -> None:
    """One batch a group: it is there as a whole or not at all, and nobody else's records come between."""
    body = bytes(limits.APPEND_BYTES_MAX // limits.APPEND_RECORDS_MAX)
    largest = [
        record("a:" + "s" * limits.ID_CHARS_MAX, seq=limits.SAFE_INTEGER_MAX - n, body=body)
        for n in range(limits.APPEND_RECORDS_MAX)
    ]

    async def story(log: KafkaLog) -> None:
        (appended,) = await log.append(largest)
        assert (appended.outcome, appended.offset_start) == ("written", 0)
        (refused,) = await log.append([record(body=bytes(1024 * 1024))] * 9)
        assert refused.outcome == "refused"
        assert str(BATCH_BYTES_MAX) in refused.reason
        (single,) = await log.append([record(body=b'"' + b"\\u1234" * 11_000 + b'"')])
        assert (single.outcome, single.offset_start) == ("written", limits.APPEND_RECORDS_MAX)

    tell(kafka_address, topic, story)


def test_appends_go_on_after_the_broker_refused_one(kafka_address: str, topic: str) -> None:
    """If the refused batch were counted, the next one would leave a gap in the sequence, and fail for ever."""

    async def story(log: KafkaLog) -> None:
        assert [appended.outcome for appended in await log.append(records(1))] == ["written"]
        await change_topic(kafka_address, topic, max_message_bytes="2000")

        async def is_refused() -> bool:
            return (await log.append([record(body=bytes(5_000))]))[0].outcome == "refused"

        await eventually(is_refused)
        end = await log.end(0)
        (appended,) = await log.append(records(2))
        assert (appended.outcome, appended.offset_start) == ("written", end)

    tell(kafka_address, topic, story)


def test_a_cancelled_append_leaves_the_next_one_whole(kafka_address: str, topic: str) -> None:
    """Cancelling does not withdraw a record: it may be there, once, and what follows comes behind it."""

    async def story(log: KafkaLog) -> None:
        await log.append(records(1))
        for _ in range(5):
            append = asyncio.create_task(log.append(records(3)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            append.cancel()
            with pytest.raises(asyncio.CancelledError):
                await append
            (appended,) = await log.append(records(2))
            assert appended.outcome == "written"
            found = await log.read(0, 0, limit=1_000)
            assert [one.offset for one in found] == list(range(appended.offset_start + 2))

    tell(kafka_address, topic, story)


def test_a_partition_is_not_watched_while_we_append_to_it(
    kafka_address: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counter[str]()
    send = AIOKafkaConnection.send

    def counting(connection: AIOKafkaConnection, request: Any, *others: Any, **named: Any) -> Any:
        asked[type(request).__name__] += 1
        return send(connection, request, *others, **named)

    async def follow(log: KafkaLog) -> None:
        end = 0
        while True:
            end = await log.wait_beyond(0, end, timeout_s=600)

    async def story(log: KafkaLog) -> None:
        following = asyncio.create_task(follow(log))
        await log.append(records(1))
        monkeypatch.setattr(AIOKafkaConnection, "send", counting)
        for _ in range(200):
            await log.append(records(1))
        # One that had begun before, and one that a slow moment between two appends lets through.
        assert asked["Fetch"] <= 2, asked
        assert asked["ProduceRequest"] == 200
        following.cancel()
        async with open_log(kafka_address, topic) as other:
            await other.append(records(1))
        async with asyncio.timeout(PATIENCE_S):
            assert await log.wait_beyond(0, 201, timeout_s=600) == 202

    tell(kafka_address, topic, story)


def test_a_topic_that_was_made_again_is_another_life(kafka_address: str, topic: str) -> None:
    async def story(log: KafkaLog) -> None:
        await log.append(records(3))
        wait = asyncio.create_task(log.wait_beyond(0, 3, timeout_s=600))
        await asyncio.sleep(0)
        await delete_topic(kafka_address, topic)
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(EpochChanged, match="deleted"):
                await wait
        async with open_log(kafka_address, topic) as again:
            # More than there were: no offset could tell the two apart.
            await again.append(records(9))
            assert again.epoch(0) != log.epoch(0)
            for ask in (log.read(0, 0, limit=1), log.end(0), log.start(0), log.wait_beyond(0, 5, timeout_s=1)):
                with pytest.raises(EpochChanged, match="deleted"):
                    await ask
            (appended,) = await log.append(records(1))
            assert appended.outcome == "refused"
            assert await again.end(0) == 9

    tell(kafka_address, topic, story)


def test_a_read_never_reads_another_life(kafka_address: str, topic: str) -> None:
    """Before anybody noticed: the broker itself refuses, because every read names the topic's id."""

    async def story(log: KafkaLog) -> None:
        await log.append(records(3))
        await delete_topic(kafka_address, topic)
        async with open_log(kafka_address, topic) as again:
            await again.append(records(9))
            with pytest.raises(EpochChanged, match="made again"):
                await log.read(0, 3, limit=10)

    tell(kafka_address, topic, story)


def test_a_new_marker_of_the_deployment_is_a_new_epoch(kafka_address: str, topic: str) -> None:
    async def story(log: KafkaLog) -> None:
        async with open_log(kafka_address, topic, marker="restored") as other:
            assert other.epoch(0) != log.epoch(0)

    tell(kafka_address, topic, story)


def test_what_retention_has_passed_is_named_and_nothing_is_skipped(kafka_address: str, topic: str) -> None:
    async def story(log: KafkaLog) -> None:
        await log.append(records(5))
        await change_topic(kafka_address, topic, retention_ms="1", max_message_bytes=str(BATCH_BYTES_MAX))

        async def is_forgotten() -> bool:
            return await log.start(0) == 5

        await eventually(is_forgotten)
        with pytest.raises(OffsetExpired, match="2 is before 5"):
            await log.read(0, 2, limit=10)
        assert await log.read(0, 5, limit=10) == []

    tell(kafka_address, topic, story)


def test_records_can_be_read_with_any_kafka_tool(kafka_address: str, topic: str) -> None:
    async def story(log: KafkaLog) -> None:
        await log.append([record("p:x", seq=7, body=b'{"t":1}')])
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka_address, auto_offset_reset="none")
        await consumer.start()
        try:
            consumer.assign([TopicPartition(topic, 0)])
            consumer.seek(TopicPartition(topic, 0), 0)
            found = await consumer.getone()
        finally:
            await consumer.stop()
        assert (found.key, found.value) == (b"p:x", b'{"t":1}')
        assert found.headers == (
            ("kind", b"list.inserted"), ("writer", b"wwwwwwwwww"), ("seq", b"7"), ("version", b"1"),
        )  # fmt: skip

    tell(kafka_address, topic, story)


def test_records_that_no_gateway_wrote_stop_nobody(kafka_address: str, topic: str) -> None:
    """Each keeps its offset, and is one that cannot be lifted: a dead letter."""
    ours = [("kind", b"k"), ("writer", b"w"), ("seq", b"1"), ("version", b"1")]
    strange: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]] = [
        (None, b"hello", []),
        (b"a:1", None, []),
        (b"\xff", b"{}", list(ours)),
        (b"a:1", b"{}", [*ours[:3], ("version", b"one")]),
        (b"a:1", b"{}", [*ours[:2], ("seq", b"-1"), ours[3]]),
        (b"a:1", b"{}", [*ours[:2], ("seq", b"9" * 30), ours[3]]),
        (b"a:1", b"{}", [("kind", None), *ours[1:]]),
    ]

    async def story(log: KafkaLog) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=kafka_address)
        await producer.start()
        try:
            for key, value, headers in strange:
                await producer.send_and_wait(topic, key=key, value=value, headers=headers, partition=0)
        finally:
            await producer.stop()
        (appended,) = await log.append([record(seq=3)])
        assert appended.offset_start == len(strange)
        found = await log.read(0, 0, limit=100)
        assert [one.offset for one in found] == list(range(len(strange) + 1))
        for one in found[:-1]:
            with pytest.raises(Poison):
                decode_record(one)
        assert found[-1].record() == tuple(record(seq=3))

    tell(kafka_address, topic, story)


def test_a_trace_in_the_headers_is_left_alone(kafka_address: str, topic: str) -> None:
    async def story(log: KafkaLog) -> None:
        headers = [("traceparent", b"00-1-2-01"), ("kind", b"list.inserted"), ("writer", b"wwwwwwwwww")]
        producer = AIOKafkaProducer(bootstrap_servers=kafka_address)
        await producer.start()
        try:
            headers += [("seq", b"1"), ("version", b"1")]
            await producer.send_and_wait(topic, key=b"a:1", value=b"{}", headers=headers, partition=0)
        finally:
            await producer.stop()
        (found,) = await log.read(0, 0, limit=10)
        assert found.record() == tuple(record())

    tell(kafka_address, topic, story)


def test_somebody_elses_transactions_leave_no_gap_and_no_records(kafka_address: str, topic: str) -> None:
    async def story(log: KafkaLog) -> None:
        await log.append(records(1))
        producer = AIOKafkaProducer(bootstrap_servers=kafka_address, transactional_id=topic)
        await producer.start()
        try:
            for end in (producer.commit_transaction, producer.abort_transaction):
                await producer.begin_transaction()
                await producer.send_and_wait(topic, key=b"a:1", value=b"{}", partition=0)
                await end()
        finally:
            await producer.stop()
        await log.append(records(1))

        async def is_readable() -> bool:
            # Each transaction is a record and a mark of its end, which is written some time after `end` returns.
            return await log.end(0) == 6

        await eventually(is_readable)
        found = await log.read(0, 0, limit=10)
        assert [one.offset for one in found] == [0, 1, 2, 3, 4, 5]
        assert sorted(one.version for one in found) == [0, 0, 0, 0, 1, 1]
        assert found[0].version == 1

    tell(kafka_address, topic, story)


def test_a_url_names_servers_and_topic(kafka_address: str, topic: str) -> None:
    async def story() -> None:
        log = await open_kafka_log(f"kafka://{kafka_address}/{topic}", partitions=2)
        assert log.partitions == 2
        await log.close()

    asyncio.run(story())


def test_nobody_at_the_address_is_said_at_once(topic: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        async def story() -> None:
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(LogUnavailable, match=f"127.0.0.1:{port} cannot be reached"):
                    await KafkaLog.open(f"127.0.0.1:{port}", topic)

        asyncio.run(story())


def test_who_waits_for_a_connection_that_another_gives_up_is_told_and_not_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A task that is cancelled by mistake ends in silence: a tail, or a projector's partition, would stand still."""
    monkeypatch.setattr(brokers, "ANSWER_TIMEOUT_S", 0.3)

    async def story() -> None:
        with socket.socket() as silent:  # takes connections, and never says a word
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            asked = brokers.Brokers(KafkaAddress((f"127.0.0.1:{silent.getsockname()[1]}",), "t"), KafkaSecurity())
            first = asyncio.create_task(asked.describe())
            await asyncio.sleep(0.15)  # so that the first one's deadline comes first
            second = asyncio.create_task(asked.describe())
            await asyncio.wait((first, second))
            for task in (first, second):
                assert isinstance(task.exception(), LogUnavailable)
            await asked.close()

    asyncio.run(story())


def test_under_uvloop_a_connection_that_closed_a_moment_ago_is_made_anew(kafka_address: str, topic: str) -> None:
    """Its transport answers a write by a `RuntimeError`, which aiokafka does not expect: it would leave the adapter as
    if it were a bug of ours."""

    async def story() -> None:
        async with open_log(kafka_address, topic) as log:
            await log.append(records(1))
            assert await log.end(0) == 1
            for opening in list(log._brokers._connections.values()):
                connection = opening.result()
                connection._reader.feed_data(b"\0")  # the first byte of an answer that will not come
                connection._writer.transport.abort()
                await asyncio.sleep(0)  # uvloop closes in this turn; aiokafka sees it in the next
                assert connection.connected()
                with pytest.raises(RuntimeError):
                    connection._writer.write(b"anything")
            assert await log.end(0) == 1

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(story())


@pytest.mark.parametrize("url", ["postgres", "kafka://h:1", "kafka://h/t", "http://h:1/t", "kafka://h:1,g/t"])
def test_what_is_no_kafka_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"kafka://host:port\[,host:port\]/topic"):
        KafkaAddress.of_url(url)


def test_security_that_cannot_work_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="SASL_SSL needs a user name and a password"):
        KafkaSecurity(protocol="SASL_SSL", username="u").arguments()
    with pytest.raises(ConfigError, match="TLS files"):
        KafkaSecurity(protocol="SSL", ca_file="/nowhere/ca.pem").arguments()
    assert "secret" not in repr(KafkaSecurity(password="secret", key_password="secret"))

"""What anybody may write into a topic, between records of ours: it stops nobody, and is told with its position."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from syncd.clock import SystemClock
from syncd.log.kafka import KafkaLog
from syncd.log.record import Body, Record, encode_record
from syncd.metrics import Metrics
from syncd.model.cells import digest
from syncd.model.events import EVENTS
from syncd.operations import dead_letters as operation
from syncd.projector.projector import Projector
from syncd.push.entry import Entry
from syncd.push.hub import Hub
from syncd.push.state import current_state
from syncd.push.tail import Tail
from syncd.store.port import LetterFilter
from syncd.store.postgres import PostgresStore
from syncd.testing.kafka import KafkaMissing, shared_kafka
from syncd.testing.poison import body, poisoned
from syncd.testing.quiet import state_of_store, until_projected

STREAM = "a:alice"
STORY_S = 90.0
OURS = [("kind", b"settings.changed"), ("writer", b"badbadbad0"), ("seq", b"1"), ("version", b"1")]
FOREIGN: dict[str, tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]] = {
    "nothing of ours": (None, b"hello", []),
    "no body at all": (b"a:alice", None, []),
    "a key that is no text": (b"\xff", body(), list(OURS)),
    "a key with a control character": (b"a:al\x1fice", body(), list(OURS)),
    "a key with a NUL": (b"a:al\0ice", body(), list(OURS)),
    "a version beyond any number": (b"a:alice", body(), [*OURS[:3], ("version", b"9" * 15)]),
    "a seq of zeros": (b"a:alice", body(), [*OURS[:2], ("seq", b"0"), OURS[3]]),
    "a megabyte": (b"a:alice", b"x" * 900_000, list(OURS)),
}


@pytest.fixture(scope="module")
def kafka_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The broker that all workers of this run share."""
    folder = tmp_path_factory.getbasetemp()
    if folder.name.startswith("popen-"):
        folder = folder.parent
    try:
        with shared_kafka(Path(folder) / "kafka") as address:
            yield address
    except KafkaMissing as error:
        pytest.skip(str(error))


def good(seq: int) -> Record:
    data = EVENTS["library.changed"](set="tracks", ids=[f"t{seq}"], value=True)
    return encode_record(STREAM, "wwwwwwwwww", seq, "library.changed", Body(seq, data, "alice", "d1", 1))


def test_what_others_write_into_the_topic_stops_nobody(kafka_address: str, postgres_dsn: str) -> None:
    async def story() -> None:
        async with asyncio.timeout(STORY_S), AsyncExitStack() as stack:
            topic = f"test-{secrets.token_hex(8)}"
            log = await KafkaLog.open(kafka_address, topic)
            stack.push_async_callback(log.close)
            store = await PostgresStore.open(postgres_dsn)
            stack.push_async_callback(store.close)
            producer = AIOKafkaProducer(bootstrap_servers=kafka_address)
            await producer.start()
            stack.push_async_callback(producer.stop)

            published: list[Entry] = []
            hub = Hub()

            def publish(partition: int, entry: Entry) -> None:
                hub.publish(partition, entry, None)
                published.append(entry)

            clock, metrics = SystemClock(), Metrics()
            tail = Tail(
                log, hub, 0, start=0, ring_bytes_max=10**6, publish=publish, clock=clock, metrics=metrics,
            )  # fmt: skip
            work = [
                asyncio.create_task(tail.run()),
                asyncio.create_task(Projector(log, store, clock, metrics).run()),
            ]
            try:
                bad: dict[int, str] = {}
                seq = 0
                for what, (key, value, headers) in FOREIGN.items():
                    seq += 1
                    await log.append([good(seq)])
                    sent = await producer.send_and_wait(topic, key=key, value=value, headers=headers, partition=0)
                    bad[sent.offset] = what
                for what, record in poisoned(STREAM).items():
                    (appended,) = await log.append([record])
                    bad[appended.offset_start] = what
                    seq += 1
                    await log.append([good(seq)])

                await until_projected(log, store)
                await tail.reached(await log.end(0), timeout_s=30.0)
                assert [entry.seq for entry in published] == list(range(1, seq + 1))
                stored = await state_of_store(log, store, STREAM)
                assert stored.cells.keys() == {f"library/tracks/t{n}" for n in range(1, seq + 1)}
                assert digest((await current_state(log, store, STREAM)).cells) == stored.digest
                found = [letter async for letter in operation.letters(store, LetterFilter())]
                assert {letter.position.offset: bad[letter.position.offset] for letter in found} == bad
                assert all(letter.reason.startswith(("undecodable: ", "upcast_failed: ")) for letter in found)
            finally:
                for task in work:
                    task.cancel()
                await asyncio.gather(*work, return_exceptions=True)

    asyncio.run(story())

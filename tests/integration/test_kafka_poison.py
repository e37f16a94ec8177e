"""What anybody may write into a topic, between events of ours: it stops nobody, and is told with its position."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from random import Random

from aiokafka import AIOKafkaProducer
from raw_device import RawDevice, refolded, some_event

from syncd.config import Config
from syncd.operations import dead_letters as operation
from syncd.store.port import LetterFilter
from syncd.testing.poison import body, poisoned
from syncd.testing.quiet import state_of_store, until_projected
from syncd.testing.service import running_service

STORY_S = 150.0
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


def test_what_others_write_into_the_topic_stops_nobody(kafka_address: str, postgres_dsn: str) -> None:
    async def story() -> None:
        topic = f"test-{secrets.token_hex(8)}"
        address = f"kafka://{kafka_address}/{topic}"
        config = Config(port=0, ws_port=0, database_url=postgres_dsn, log=address, log_partitions=1)
        async with asyncio.timeout(STORY_S), AsyncExitStack() as stack:
            service = await stack.enter_async_context(running_service(config))
            work = service.deployment
            logins = await service.account("alice", "phone", "laptop")
            talks, leaves = [RawDevice(service.ws_url, login.token) for login in logins]
            for device in (talks, leaves):
                await stack.enter_async_context(await device.connect())
                await device.arrive("a:me")
            stream = f"a:{talks.account}"
            await leaves.disconnect()
            producer = AIOKafkaProducer(bootstrap_servers=kafka_address)
            await producer.start()
            stack.push_async_callback(producer.stop)

            bad: dict[int, str] = {}
            rng = Random(5)
            for what, (key, value, headers) in FOREIGN.items():
                sent = await producer.send_and_wait(topic, key=key, value=value, headers=headers, partition=0)
                bad[sent.offset] = what
                await talks.emit_acked(*some_event(rng))
            for what, record in poisoned(stream).items():
                (appended,) = await work.log.append([record])
                bad[appended.offset_start] = what
                await talks.emit_acked(*some_event(rng))

            expected = await refolded(work.log, stream)
            await leaves.connect()
            await leaves.arrive("a:me")
            fresh = await stack.enter_async_context(
                RawDevice(service.ws_url, logins[1].token, nonce="a-new-store-0000")
            )
            await fresh.arrive("a:me")
            for device in (talks, leaves, fresh):
                await device.agrees(expected)
            await until_projected(work.log, work.store)
            assert (await state_of_store(work.log, work.store, stream)).digest == expected
            found = [letter async for letter in operation.letters(work.store, LetterFilter())]
            assert {letter.position.offset: bad[letter.position.offset] for letter in found} == bad
            assert all(letter.reason.startswith(("undecodable: ", "upcast_failed: ")) for letter in found)

    asyncio.run(story())

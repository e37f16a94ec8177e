"""Connections to brokers that end while somebody waits for an answer: none is forgotten before it is closed.

One that is leaves a warning of the garbage collector, which is a failure of whichever test runs then.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import StreamReader, StreamWriter

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from syncd.log.kafka import KafkaAddress, KafkaSecurity
from syncd.log.kafka.brokers import Brokers
from syncd.log.kafka.connection import Connection
from syncd.log.kafka.wire import DescribeTopic
from syncd.testing.patience import PATIENCE_S

LENGTH = 4
"""Bytes of the length before each message."""


def asked_and_ended(connection: Connection, request: object) -> asyncio.Future[object]:
    """The broker says goodbye instead of answering, and the connection has not noticed yet."""
    answer: asyncio.Future[object] = asyncio.ensure_future(connection.send(request))
    connection._reader.feed_eof()
    return answer


def test_a_connection_that_has_ended_is_closed_before_another_takes_its_place(kafka_address: str) -> None:
    async def story() -> None:
        asked = Brokers(KafkaAddress((kafka_address,), "t"), KafkaSecurity())
        await asked.describe()
        (opening,) = asked._connections.values()
        answer = asked_and_ended(opening.result(), DescribeTopic("t"))
        del opening
        await asked.describe()
        with pytest.raises(KafkaConnectionError, match="closed"):
            await answer
        await asked.close()

    asyncio.run(story())


def test_a_connection_that_the_drivers_client_forgets_is_closed(
    kafka_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It forgets what has ended before it makes another one, which fails here: it does not know the broker any more."""
    # As in `syncd.logs`; a line that pytest kept would hold its error, and that the connection.
    caplog.set_level(logging.CRITICAL, logger="aiokafka")

    async def story() -> None:
        client = AIOKafkaClient(bootstrap_servers=kafka_address)
        await client.bootstrap()
        node = client.get_random_node()
        assert await client.ready(node)
        answer = asked_and_ended(client._conns[node, 0], MetadataRequest([]))
        client.cluster._brokers.clear()
        assert not await client.ready(node)
        with pytest.raises(KafkaConnectionError, match="closed"):
            await answer
        await client.close()

    asyncio.run(story())


def test_a_bootstrap_that_is_cancelled_leaves_no_connection(kafka_address: str) -> None:
    async def story() -> None:
        asked, closed = asyncio.Event(), asyncio.Event()

        async def answer_once(reader: StreamReader, writer: StreamWriter) -> None:
            """Which versions the broker speaks, and nothing else."""
            there, back = await asyncio.open_connection(*kafka_address.split(":"))
            for source, target in ((reader, back), (there, writer)):
                length = await source.readexactly(LENGTH)
                target.write(length + await source.readexactly(int.from_bytes(length, "big")))
            await reader.readexactly(LENGTH)
            asked.set()
            await reader.read()
            closed.set()
            for each in (back, writer):
                each.close()
                await each.wait_closed()

        async with await asyncio.start_server(answer_once, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            client = AIOKafkaClient(bootstrap_servers=f"127.0.0.1:{port}")
            starting = asyncio.create_task(client.bootstrap())
            async with asyncio.timeout(PATIENCE_S):
                await asked.wait()
                starting.cancel()
                await asyncio.wait({starting})
                del starting
                await closed.wait()
            await client.close()

    asyncio.run(story())

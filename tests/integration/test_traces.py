"""One event's spans share a trace, from the gateway that admits it over the log to the projector, and nobody is named.

A small HTTP server stands where the collector would: it takes what a collector is sent.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from raw_device import RawDevice

from syncd.bootstrap import open_deployment
from syncd.config import Config
from syncd.testing.patience import until
from syncd.testing.quiet import until_projected
from syncd.testing.service import running_service

STORY_S = 150.0


@dataclass
class Collector:
    """What arrived so far."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)

    def of(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
            collector.spans += [
                span for resource in sent.resource_spans for scope in resource.scope_spans for span in scope.spans
            ]
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def facts(span: Span) -> dict[str, object]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


@pytest.mark.parametrize("home", ["postgres", "kafka"])
def test_an_event_s_spans_share_one_trace_across_processes(
    postgres_dsn: str, home: str, request: pytest.FixtureRequest
) -> None:
    async def story(collector: Collector) -> None:
        where = "postgres"
        if home == "kafka":
            where = f"kafka://{request.getfixturevalue('kafka_address')}/traced-{secrets.token_hex(6)}"
        config = Config(
            port=0, ws_port=0, database_url=postgres_dsn, log=where, log_partitions=1,
            traces_url=collector.url, traces_permille=1_000,
        )  # fmt: skip
        async with (
            asyncio.timeout(STORY_S),
            running_service(config, frozenset({"gateway"})) as here,
            running_service(config, frozenset({"gateway"})) as there,
            running_service(config, frozenset({"projector"})),
        ):
            phone, laptop = await here.account("ann", "phone", "laptop")
            one, other = RawDevice(here.ws_url, phone.token), RawDevice(there.ws_url, laptop.token)
            for device in (one, other):
                await device.connect()
                await device.arrive("a:me")
            await other.knows(await one.emit_acked("settings.changed", {"theme": "taste"}))
            for device in (one, other):
                await device.disconnect()

            await until(lambda: bool(collector.of("fold")) and len(collector.of("publish")) == 2)
            (admit,), (append,), (fold,) = map(collector.of, ("admit", "append", "fold"))
            published = collector.of("publish")
            assert not admit.parent_span_id
            for span in (append, fold, *published):
                assert span.trace_id == admit.trace_id
                assert span.parent_span_id == admit.span_id
            assert facts(admit) == {"kind": "settings.changed"}
            assert facts(append) == {"outcome": "written", "records": 1}
            assert facts(fold)["offset"] == facts(published[0])["offset"]
            assert {facts(span)["deltas"] for span in published} == {0, 1}
            assert admit.start_time_unix_nano <= append.start_time_unix_nano <= append.end_time_unix_nano
            assert append.start_time_unix_nano <= fold.end_time_unix_nano
            told = str(collector.spans)
            for secret in (phone.account, phone.device, laptop.device, "taste", "theme"):
                assert secret not in told

    with collecting() as collector:
        asyncio.run(story(collector))


@pytest.mark.parametrize("permille", [0, 1_000])
def test_a_gateway_traces_what_it_chose(postgres_dsn: str, permille: int) -> None:
    async def story(collector: Collector) -> None:
        config = Config(
            port=0, ws_port=0, database_url=postgres_dsn, traces_url=collector.url, traces_permille=permille
        )
        async with asyncio.timeout(STORY_S), running_service(config) as service:
            (phone,) = await service.account("ann", "phone")
            async with RawDevice(service.ws_url, phone.token) as device:
                await device.arrive("a:me")
                await device.emit_acked("settings.changed", {"theme": "dark"})
            await until_projected(service.deployment.log, service.deployment.store)
        # What waits is sent when the process ends.
        expected = {"admit", "append", "publish", "fold"} if permille else set()
        assert {span.name for span in collector.spans} == expected

    with collecting() as collector:
        asyncio.run(story(collector))


def test_a_collector_that_is_away_holds_nobody_up(postgres_dsn: str) -> None:
    async def story() -> None:
        config = Config(
            port=0, ws_port=0, database_url=postgres_dsn, traces_url="http://127.0.0.1:9/v1/traces",
            traces_permille=1_000,
        )  # fmt: skip
        async with asyncio.timeout(STORY_S), running_service(config) as service:
            (phone,) = await service.account("ann", "phone")
            async with RawDevice(service.ws_url, phone.token) as device:
                await device.arrive("a:me")
                await device.emit_acked("settings.changed", {"theme": "dark"})
        async with open_deployment(config) as deployment:
            assert await deployment.log.end(0) == 2

    asyncio.run(story())

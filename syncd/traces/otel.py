"""Traces by OpenTelemetry, sent as OTLP over HTTP by a thread of its own. Needs `pip install syncd[traces]`."""

from __future__ import annotations

import random
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import syncd

SEND_TIMEOUT_S: Final = 3.0
"""Of one request to the collector, and of the last one when the process ends. What it does not take is dropped."""
WAITING_MAX: Final = 2_048
"""Spans that wait for the collector; more are dropped."""
_HEADER: Final = "traceparent"


class OtelTraces:
    """`Traces` through an exporter of OpenTelemetry."""

    def __init__(self, exporter: SpanExporter, *, permille: int) -> None:
        """`permille`: of the events that begin here, how many are traced. What others chose is traced on."""
        resource = Resource.create({"service.name": "syncd", "service.version": syncd.__version__})
        # Whether to trace is decided by `chooses`, before a span would cost anything.
        self._provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter, max_queue_size=WAITING_MAX, max_export_batch_size=512, schedule_delay_millis=1_000,
                export_timeout_millis=SEND_TIMEOUT_S * 1_000,
            )
        )  # fmt: skip
        self._tracer = self._provider.get_tracer("syncd")
        self._context = TraceContextTextMapPropagator()
        self._permille = permille

    @classmethod
    def to(cls, url: str, *, permille: int) -> OtelTraces:
        """To a collector's address for traces, as `http://collector:4318/v1/traces`."""
        return cls(OTLPSpanExporter(endpoint=url, timeout=SEND_TIMEOUT_S), permille=permille)

    def chooses(self) -> bool:
        return random.randrange(1_000) < self._permille

    def span(self, name: str, parent: str, *, started_ns: int, ended_ns: int, **facts: str | int) -> str:
        context = self._context.extract({_HEADER: parent}) if parent else Context()
        span = self._tracer.start_span(name, context, start_time=started_ns, attributes=facts)
        span.end(ended_ns)
        carrier: dict[str, str] = {}
        self._context.inject(carrier, set_span_in_context(span))
        return carrier.get(_HEADER, "")

    def close(self) -> None:
        self._provider.shutdown()

"""Traces are an extra: without its packages everything runs, and who asks for them is told what to install."""

from __future__ import annotations

import sys

import pytest

from syncd.bootstrap.roles import open_traces
from syncd.config import Config
from syncd.errors import ConfigError


@pytest.fixture
def without_opentelemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("opentelemetry", "syncd.traces.otel"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)


def test_nobody_who_does_not_ask_needs_it(without_opentelemetry: None) -> None:
    assert open_traces(Config()) is None


def test_who_asks_is_told_what_to_install(without_opentelemetry: None) -> None:
    with pytest.raises(ConfigError, match=r"SYNCD_TRACES_URL is set .* pip install 'syncd\[traces\]'"):
        open_traces(Config(traces_url="http://collector:4318/v1/traces"))

"""What the contract tests may lean on, besides what all tests may."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from syncd.testing.kafka import KafkaMissing, shared_kafka


@pytest.fixture(scope="session")
def kafka_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a broker that all workers of this test run share; each test uses topics of its own."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    try:
        with shared_kafka(folder / "kafka") as address:
            yield address
    except KafkaMissing as error:
        pytest.skip(str(error))

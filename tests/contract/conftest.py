"""What the contract tests may lean on, besides what all tests may."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from adapters_under_test import InMemory, OnPostgres, databases
from stores_under_test import StoreUnderTest

from syncd.store.memory import MemoryStore
from syncd.store.postgres import PostgresStore


@pytest.fixture(params=[None, "15", "18"], ids=["memory", "postgres-15", "postgres-18"])
def adapter_dsn(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Each adapter in turn: None for the one in memory, else a fresh database; Postgres in both versions."""
    if request.param is None:
        yield None
        return
    # Asked for here and not in the signature, so that memory is examined where no Postgres is.
    with databases(request.getfixturevalue("postgres_servers"), [request.param]) as dsns:
        yield dsns[request.param]


@pytest.fixture
def store_under_test(adapter_dsn: str | None) -> StoreUnderTest:
    return InMemory(MemoryStore()) if adapter_dsn is None else OnPostgres(adapter_dsn, PostgresStore.open)

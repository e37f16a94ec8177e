"""Profiles of hypothesis, and what every test may lean on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings

from syncd.testing.postgres import Version, create_database, drop_database, running_postgres

# dev: quick answers at the desk. ci: what `make check` runs. deep: `make test-deep`, minutes to hours.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("dev", max_examples=50, **_COMMON)
settings.register_profile("ci", max_examples=100, **_COMMON)
settings.register_profile("deep", max_examples=5_000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(scope="session")
def postgres_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Version], str]]:
    """The administrator's DSN of a Postgres of a version, started for the first test that asks.

    Parallel workers share it: their temporary folders have one parent.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    running: dict[Version, str] = {}
    with ExitStack() as stack:

        def server(version: Version) -> str:
            if version not in running:
                try:
                    running[version] = stack.enter_context(running_postgres(version, shared / f"postgres-{version}"))
                except FileNotFoundError as error:
                    pytest.skip(str(error))
            return running[version]

        yield server


@pytest.fixture
def postgres_version() -> Version:
    """The embedded one; a test that parametrises this name runs on others as well."""
    return "18"


@pytest.fixture
def postgres_admin_dsn(postgres_version: Version, postgres_servers: Callable[[Version], str]) -> str:
    """For tests that make databases themselves."""
    return postgres_servers(postgres_version)


@pytest.fixture
def postgres_dsn(postgres_admin_dsn: str) -> Iterator[str]:
    """A fresh database of this test's own, with all migrations applied."""
    dsn = asyncio.run(create_database(postgres_admin_dsn))
    yield dsn
    asyncio.run(drop_database(postgres_admin_dsn, dsn))

"""Profiles of hypothesis, and what every test may lean on."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from syncd.testing.kafka import KafkaMissing, shared_kafka
from syncd.testing.postgres import Version, create_database, drop_database, running_postgres

# dev: quick answers at the desk. ci: what `make check` runs. deep: `make test-deep`, minutes to hours.
settings.register_profile("dev", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), max_examples=100, print_blob=True)
settings.register_profile("deep", settings.get_profile("ci"), max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


_POSTGRES_FOLDER = pytest.StashKey[Path]()

_TMPFS = Path("/dev/shm")
_TMPFS_BYTES_MIN = 2 * 1024**3
"""Two clusters, their write-ahead logs and the databases of the tests that run; containers often have only 64 MiB."""


def pytest_configure(config: pytest.Config) -> None:
    """Decide where the tests' Postgres lies: in memory if there is room, and in one place for all parallel workers."""
    given = getattr(config, "workerinput", {}).get("postgres_folder")
    if given is None:
        in_memory = _TMPFS.is_dir() and shutil.disk_usage(_TMPFS).free >= _TMPFS_BYTES_MIN
        given = tempfile.mkdtemp(prefix="syncd-test-", dir=_TMPFS if in_memory else None)
        os.chmod(given, 0o711)  # started by root, Postgres may have to run as somebody who must get through
    config.stash[_POSTGRES_FOLDER] = Path(given)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: tell a worker."""
    node.workerinput["postgres_folder"] = str(node.config.stash[_POSTGRES_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    """The first process, which ends last, takes the folder away."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(config.stash[_POSTGRES_FOLDER], ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_servers(request: pytest.FixtureRequest) -> Iterator[Callable[[Version], str]]:
    """The administrator's DSN of a Postgres of a version, started for the first test that asks."""
    folder = request.config.stash[_POSTGRES_FOLDER]
    running: dict[Version, str] = {}
    with ExitStack() as stack:

        def server(version: Version) -> str:
            if version not in running:
                try:
                    running[version] = stack.enter_context(running_postgres(version, folder / version))
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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """A command that ran inside a test has set logging up for a process of its own, and for a stream that is closed
    when the test ends: whatever is logged after that would be a traceback in the output of another test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        return (yield)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


# --- what was measured, what was missing ---


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Keep a figure with its words; figures are printed at the end and never asserted."""
    return lambda words: record_property("measured", words)


_MAY_BE_ABSENT = "shared/data"
"""Recordings that are not ours to ship: the only reason to skip that `make check` accepts."""


def _skip_reasons(reporter: pytest.TerminalReporter) -> dict[str, list[str]]:
    """Why tests were skipped -> which."""
    reasons: dict[str, list[str]] = {}
    for report in reporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons.setdefault(reason.removeprefix("Skipped: "), []).append(report.nodeid)
    return reasons


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say plainly what was measured, and what this machine lacked."""
    measured = [
        f"{report.nodeid.rpartition('::')[2]}: {figure}"
        for report in terminalreporter.stats.get("passed", [])
        for name, figure in report.user_properties
        if name == "measured"
    ]
    if measured:
        terminalreporter.section("measured, on a machine that was busy with tests")
        for line in measured:
            terminalreporter.line(line)
    reasons = _skip_reasons(terminalreporter)
    terminalreporter.section("what this machine lacked")
    if not reasons:
        terminalreporter.line("nothing: no test was skipped")
    for reason, tests in sorted(reasons.items()):
        terminalreporter.line(f"{reason}: {len(tests)} tests skipped")
        for test in tests[:20]:
            terminalreporter.line(f"    {test}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In `make check` a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("SYNCD_NO_SKIPS") != "1":
        return
    if any(_MAY_BE_ABSENT not in reason for reason in _skip_reasons(reporter)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

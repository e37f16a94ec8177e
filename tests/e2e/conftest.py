"""A real server for the tests in this folder: a process of its own, on its embedded Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.testing.server_process import ServerProcess

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here starts processes."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """`syncd serve`, ready. Tests may kill and start it, and leave it running; they use accounts of their own.

    At the end it is asked to stop, and nothing of it may be left.
    """
    with ServerProcess(tmp_path_factory.mktemp("server") / "data", options=["--no-demo"]) as process:
        yield process

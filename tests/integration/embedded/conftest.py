"""Folders of a test's own, with and without a database that was made before."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_folders import copy_cluster, open_folder

from syncd.store.embedded import join


@pytest.fixture(scope="session", autouse=True)
def _needs_proc() -> None:
    if not Path("/proc/self/cwd").exists():
        pytest.skip("looks for processes in /proc")


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """A data folder that is never used, only copied: making one takes longer than most of these tests."""

    async def make(data_dir: Path) -> None:
        await (await join(data_dir)).close(wait_stopped=True)

    with open_folder() as path:
        asyncio.run(make(path / "data"))
        yield path / "data"


@pytest.fixture
def data_dir(template: Path, folder: Path) -> Path:
    copy_cluster(template, folder / "data")
    return folder / "data"

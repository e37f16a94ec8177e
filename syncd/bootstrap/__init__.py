"""The one place where ports meet adapters.

`open_deployment` gives a process its log, store and doors; `run_roles` runs gateway, projector and API on them, each
alone or all in one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import uvloop

from syncd.bootstrap.collector import calm_collector
from syncd.bootstrap.deployment import Deployment, OnProgress, open_database, open_deployment
from syncd.config import Config
from syncd.operations.advance import Advance, Phase, quiet, quietly

if TYPE_CHECKING:
    from pathlib import Path

    from syncd.operations.backup.manifest import Manifest
    from syncd.operations.move_log import Moved
    from syncd.operations.repartition import Repartitioned

__all__ = [
    "ROLES",
    "Deployment",
    "Running",
    "back_up_deployment",
    "calm_collector",
    "move_log",
    "open_database",
    "open_deployment",
    "repartition_topic",
    "restore_deployment",
    "run",
    "run_roles",
]

T = TypeVar("T")
ROLES = frozenset({"gateway", "projector", "api"})


@dataclass(frozen=True, slots=True)
class Running:
    """Where this process listens; None where a role is not here, or has no listener of its own."""

    http_url: str | None
    ws_url: str | None
    metrics_url: str | None


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a program's main coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def back_up_deployment(config: Config, folder: Path, *, now_ms: int, progress: Advance = quiet) -> Manifest:
    """See `syncd.bootstrap.backups`."""
    from syncd.bootstrap.backups import back_up_deployment as work

    return await work(config, folder, now_ms=now_ms, progress=progress)


async def restore_deployment(
    config: Config, folder: Path, manifest: Manifest, *, replace: bool, phase: Phase = quietly
) -> None:
    """See `syncd.bootstrap.backups`."""
    from syncd.bootstrap.backups import restore_deployment as work

    await work(config, folder, manifest, replace=replace, phase=phase)


async def move_log(config: Config, topic: str, *, progress: Advance = quiet) -> Moved:
    """See `syncd.bootstrap.moving`; imported late, as the next one."""
    from syncd.bootstrap.moving import move_log as work

    return await work(config, topic, progress=progress)


async def repartition_topic(config: Config, topic: str, partitions: int, *, progress: Advance = quiet) -> Repartitioned:
    """See `syncd.bootstrap.other_topic`; imported late, because most commands have nothing to do with it."""
    from syncd.bootstrap.other_topic import repartition_topic as work

    return await work(config, topic, partitions, progress=progress)


async def run_roles(
    config: Config, roles: frozenset[str], *, on_ready: Callable[[Running], None], stop: asyncio.Event,
    on_progress: OnProgress | None = None,
) -> None:  # fmt: skip
    """Run roles until `stop` is set; then drain: sockets first, then the projector, then the database.

    Raises:
        ConfigError, Unavailable: it could not start, or a role failed; nothing keeps running.
    """
    assert roles <= ROLES, f"unknown roles {roles - ROLES}"
    # Commands that only look something up should not pay for importing three servers.
    from syncd.bootstrap.roles import serve

    await serve(config, roles, on_ready=on_ready, stop=stop, on_progress=on_progress)

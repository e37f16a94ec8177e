"""Taking a backup and bringing it back: what `syncd.operations.backup` does, and what only an opened log can tell."""

from __future__ import annotations

from pathlib import Path

from syncd.bootstrap.deployment import open_database, open_deployment
from syncd.bootstrap.present_log import open_log
from syncd.config import Config
from syncd.errors import LogUnavailable
from syncd.operations.advance import Advance, Phase, quiet, quietly
from syncd.operations.backup.carrying import carry_checkpoints
from syncd.operations.backup.manifest import POSTGRES, Manifest
from syncd.operations.backup.owners import claim_owners
from syncd.operations.backup.restoring import restore
from syncd.operations.backup.taking import take_backup
from syncd.store.migrate import migration_status


async def back_up_deployment(config: Config, folder: Path, *, now_ms: int, progress: Advance = quiet) -> Manifest:
    """Copy the deployment's database as it is, migrated or not, so that a newer program can take one before it changes
    anything. Raises as `syncd.operations.backup.taking.take_backup`."""
    async with open_database(config) as dsn:
        epoch = await _epoch(config, dsn)
        return await take_backup(dsn, folder, epoch=epoch, now_ms=now_ms, progress=progress)


async def _epoch(config: Config, dsn: str) -> str:
    """The log's life; empty where it cannot be opened, and then everything is folded anew after a restore."""
    if not (await migration_status(dsn)).current:
        return ""
    try:
        log = await open_log(config, dsn, making=False, serves_devices=False)
    except LogUnavailable:  # brokers that are away shall not keep anybody from a backup of the store
        return ""
    try:
        return log.epoch(0)
    finally:
        await log.close()


async def restore_deployment(
    config: Config, folder: Path, manifest: Manifest, *, replace: bool, phase: Phase = quietly
) -> None:
    """Put a checked backup into the database that the settings name. Interrupted, do it again.

    Raises as `syncd.operations.backup.restoring.restore`, and as `open_deployment`.
    """
    async with open_database(config) as dsn:
        with phase("restoring", "bytes") as advance:
            await restore(dsn, folder, manifest, log=config.log, replace=replace, progress=advance)
    async with open_deployment(config) as deployment:
        await carry_checkpoints(deployment.dsn, deployment.log, old_epoch=manifest.epoch)
        if manifest.log != POSTGRES:
            with phase("looking for playlists made since", "records") as advance:
                await claim_owners(deployment.log, deployment.store, progress=advance)

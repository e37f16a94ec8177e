"""Bringing a backup back: the store by `syncd.operations.backup`, then what only an opened log can tell."""

from __future__ import annotations

from pathlib import Path

from syncd.bootstrap.deployment import open_database, open_deployment
from syncd.config import Config
from syncd.operations.backup.carrying import carry_checkpoints
from syncd.operations.backup.manifest import POSTGRES, Manifest
from syncd.operations.backup.owners import claim_owners
from syncd.operations.backup.restoring import restore
from syncd.operations.transfer.importing import Phase


async def restore_deployment(config: Config, folder: Path, manifest: Manifest, *, replace: bool, phase: Phase) -> None:
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

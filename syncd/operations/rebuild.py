"""Building cells anew: of everything, or of some accounts."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.accounts import Accounts
from syncd.clock import Clock
from syncd.log.port import EventLog
from syncd.operations.account_streams import streams_of
from syncd.operations.advance import Advance, quiet
from syncd.projector.rebuild import Rebuilt, rebuild
from syncd.store.port import StateReader, Store
from syncd.store.rebuild_port import RebuildStore

__all__ = ["Rebuilt", "rebuild_accounts", "rebuild_all"]


async def rebuild_all(
    log: EventLog, store: StateReader, rebuilds: RebuildStore, clock: Clock, *, dry_run: bool, progress: Advance = quiet
) -> Rebuilt:
    """All cells there are. Raises as `syncd.projector.rebuild.rebuild`."""
    return await rebuild(log, store, rebuilds, clock, streams=None, dry_run=dry_run, progress=progress)


async def rebuild_accounts(
    log: EventLog, store: Store, rebuilds: RebuildStore, clock: Clock, accounts: Accounts, names: Sequence[str],
    *, dry_run: bool, progress: Advance = quiet,
) -> Rebuilt:  # fmt: skip
    """The streams of accounts: their own, and those of the playlists that they own.

    Args:
        names: ids or names.

    Raises:
        NotFound: there is no such account. Nothing was rebuilt.
        As `syncd.projector.rebuild.rebuild`: earlier streams may have been rebuilt.
    """
    streams = [stream for name in names for stream in await streams_of(accounts, store, name)]
    return await rebuild(log, store, rebuilds, clock, streams=streams, dry_run=dry_run, progress=progress)

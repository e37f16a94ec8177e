"""How long operators wait: backup, restore, export, import, repartition, of a deployment of some size.

    python -m load.operators                            200,000 events of 1,000 accounts
    python -m load.operators --events 1000000 --json    one JSON object a line

It starts the embedded Postgres in a temporary folder, durable as a server's, fills it, lets a projector fold it, does
each thing once, checks that the digests are the same wherever the events went, and deletes everything at the end.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from load.arguments import command
from load.report import Progress, print_table
from syncd.bootstrap import Deployment, open_deployment, restore_deployment
from syncd.config import Config
from syncd.log.record import Body, Record, encode_record
from syncd.model.stamp import pack
from syncd.operations.backup.restoring import check_backup
from syncd.operations.backup.taking import take_backup
from syncd.operations.repartition import repartition
from syncd.operations.transfer.file import write_file
from syncd.operations.transfer.gather import Place, Selection, gather
from syncd.operations.transfer.importing import import_file
from syncd.operations.verify import verify
from syncd.testing.postgres import create_database, running_postgres
from syncd.testing.quiet import until_projected
from syncd.testing.service import running_service

ACCOUNTS = 1_000
SETTINGS = 40
"""Different keys that an account's events write."""
GROUP = 1_000
START_MS = 1_763_870_000_000
FOLD_TIMEOUT_S = 3_600.0


@dataclass
class Bench:
    """Does things once and notes how long they took."""

    events: int
    rows: list[tuple[str, float]] = field(default_factory=list)

    async def timed(self, what: str, work: Awaitable[object]) -> None:
        """Wait for it."""
        began_s = time.perf_counter()
        await work
        self.rows.append((what, time.perf_counter() - began_s))
        print(f"{what}: {self.rows[-1][1]:.1f} s", file=sys.stderr)


async def fill(deployment: Deployment, events: int) -> None:
    """Accounts, a device each, and events that change settings."""
    accounts = [(await deployment.accounts.create(f"listener {n}")).account for n in range(ACCOUNTS)]
    devices = [(await deployment.accounts.link(account, name="phone")).device for account in accounts]
    progress, made = Progress("events", events), 0
    group: list[Record] = []
    for n in range(events):
        who = n % ACCOUNTS
        data = {f"key{n // ACCOUNTS % SETTINGS}": f"value {n} of some length, as settings have it"}
        at_ms = START_MS + n
        body = Body(t=pack(at_ms), data=data, account=accounts[who], device=devices[who], admitted_ms=at_ms)
        writer = devices[who][:10]
        group.append(encode_record(f"a:{accounts[who]}", writer, n // ACCOUNTS + 1, "settings.changed", body))
        if len(group) == GROUP or n == events - 1:
            (appended,) = await deployment.log.append(group)
            assert appended.outcome == "written", appended.reason
            made, group = made + len(group), []
            progress.advance(made)
    progress.done()


async def digests(dsn: str) -> set[tuple[str, str]]:
    """Of every account; after all is folded."""
    async with running_service(Config(database_url=dsn), frozenset({"projector"})) as service:
        work = service.deployment
        await until_projected(work.log, work.store, timeout_s=FOLD_TIMEOUT_S)
        found = await verify(work.log, work.store, seed=1)
        assert found.agrees
        cells = set()
        for account in await work.accounts.all():
            stream = f"a:{account.account}"
            state = await work.store.cells(stream, work.log.partition_of(stream))
            cells.add((stream, repr([(row.key, row.rank, row.value) for row in state.cells])))
        return cells


async def _backup(deployment: Deployment, folder: Path) -> None:
    epoch = deployment.log.epoch(0)
    await take_backup(deployment.dsn, folder, epoch=epoch, now_ms=START_MS)


async def run(bench: Bench, admin_dsn: str, folder: Path) -> None:
    """Everything, on databases of this server."""
    there, restored, imported = [await create_database(admin_dsn) for _ in range(3)]
    async with open_deployment(Config(database_url=there)) as deployment:
        await bench.timed("fill", fill(deployment, bench.events))
    before = await digests(there)
    async with open_deployment(Config(database_url=there)) as deployment:
        place = Place(deployment.log, deployment.store, deployment.accounts)
        await bench.timed("backup", _backup(deployment, folder / "backup"))
        content = gather(place, Selection())
        export = write_file(folder / "all.jsonl.gz", content, what="deployment", now_ms=START_MS)
        await bench.timed("export", export)
    manifest = check_backup(folder / "backup")
    config = Config(database_url=restored)
    back = restore_deployment(config, folder / "backup", manifest, replace=False)
    await bench.timed("restore", back)
    assert await digests(restored) == before
    async with open_deployment(Config(database_url=imported)) as deployment:
        place = Place(deployment.log, deployment.store, deployment.accounts)
        await bench.timed("import", import_file(place, folder / "all.jsonl.gz"))
        await bench.timed("import again", import_file(place, folder / "all.jsonl.gz"))
    assert await digests(imported) == before
    await bench.timed("repartition to 8", repartition(there, 8))
    assert await digests(there) == before


def main() -> None:
    """Read the arguments, run, print."""
    parser = command("load.operators", __doc__)
    parser.add_argument("--events", type=int, default=200_000, metavar="COUNT")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    bench = Bench(given.events)
    folder = Path(tempfile.mkdtemp(prefix="syncd-load-"))
    folder.chmod(0o711)
    try:
        with running_postgres("18", folder / "postgres", durable=True) as admin_dsn:
            uvloop.run(run(bench, admin_dsn, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if given.json:
        for what, seconds in bench.rows:
            print(json.dumps({"what": what, "s": round(seconds, 2), "events_per_s": round(bench.events / seconds)}))
        print(json.dumps({"what": "memory of the command", "mib": memory_mib}))
        return
    print_table(
        ("what", "s", "events/s"),
        [(what, f"{seconds:.1f}", f"{bench.events / seconds:,.0f}") for what, seconds in bench.rows],
    )
    print(f"{bench.events:,} events; all digests equal; {memory_mib} MiB at most in the command")


if __name__ == "__main__":
    main()

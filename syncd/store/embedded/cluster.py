"""The cluster: Postgres' own folder inside the data folder, how it is made and whether it fits the binaries."""

import os
import shutil
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from syncd.store.embedded.binaries import Binaries
from syncd.store.embedded.child import Child
from syncd.store.embedded.errors import EmbeddedPostgresError
from syncd.store.embedded.identity import Identity
from syncd.store.embedded.postgres_log import log_path, log_size, log_tail

USER = "syncd"
DATABASE = "syncd"
# initdb takes half a second here; a slow SD card with all its syncs takes a minute.
CREATE_S = 180.0


def cluster_folder(data_dir: Path) -> Path:
    return data_dir / "postgres"


@dataclass(frozen=True)
class Cluster:
    """A cluster, made or still to be made, with those who run it.

    Every method is for the holder of the data folder's lock, whose descriptor is `lock`.
    """

    data_dir: Path
    binaries: Binaries
    identity: Identity
    lock: int

    @property
    def folder(self) -> Path:
        return cluster_folder(self.data_dir)

    def exists(self) -> bool:
        """Whether it has been made.

        Raises:
            EmbeddedPostgresError: there is something else in its place, or another major version made it.
        """
        try:
            made_by = int((self.folder / "PG_VERSION").read_text())
        except FileNotFoundError:
            if self.folder.is_dir() and any(self.folder.iterdir()):
                raise EmbeddedPostgresError(f"{self.folder} is not a Postgres folder; move it out of the way") from None
            return False
        except (OSError, ValueError) as error:
            raise EmbeddedPostgresError(f"{self.folder} cannot be read: {error}") from error
        if made_by != self.binaries.major:
            raise EmbeddedPostgresError(
                f"{self.folder} was made by Postgres {made_by}, but the programs in {self.binaries.folder} are "
                f"Postgres {self.binaries.version}. Export with the release of syncd that made it, and import the "
                "result into a new SYNCD_DATA_DIR"
            )
        return True

    def hand_over(self) -> None:
        """Give an existing cluster to whom Postgres runs as, where it belonged to another so far."""
        if self.folder.stat().st_uid != self.identity.uid:
            _give(self.folder, self.identity)

    async def create(self) -> None:
        """Run initdb and create the database; the folder appears under its name only when it is complete."""
        making = self.folder.with_name(f"{self.folder.name}.making")
        if making.exists():  # left by one that was interrupted
            shutil.rmtree(making)
        making.mkdir(mode=0o700)
        _give(making, self.identity)
        # Byte order as the collation is the same on every machine and with every libc, so that no upgrade of the
        # system can break an index. Passwords guard nothing on a socket in a folder that only we can enter.
        # The sync at the end of initdb stays on: it costs 0.1 s, once. Until old segments of the WAL are used again,
        # each new one is filled with zeros and synced first, and every commit waits: for 20 ms where it has 16 MiB.
        await self._run(
            "initdb", "-D", making, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C",
            "--data-checksums", "--wal-segsize=2", "--no-instructions",
        )  # fmt: skip
        # In single-user mode nobody can see a server that has no database yet; an error in it ends it with a code.
        await self._run(
            "postgres", "--single", "-D", making, "-c", "exit_on_error=on", "-c", "log_checkpoints=off", "template1",
            stdin=f"CREATE DATABASE {DATABASE}\n".encode(),
        )  # fmt: skip
        making.rename(self.folder)
        _sync_folder(self.data_dir)

    async def _run(self, name: str, *arguments: str | Path, stdin: bytes = b"") -> None:
        said_before = log_size(self.data_dir)
        child = Child(self.identity, [self.binaries.program(name), *arguments], lock=self.lock, stdin=stdin)
        try:
            in_time = await child.ended_within(CREATE_S)
        finally:
            await child.stop((signal.SIGINT, 5.0))
        if not in_time or child.exit_code != 0:
            why = f"ended with code {child.exit_code}" if in_time else f"took longer than {CREATE_S:.0f} s"
            said = log_tail(self.data_dir, since=said_before)
            raise EmbeddedPostgresError(f"{name} {why}: {said or 'without a word'} (see {log_path(self.data_dir)})")


def _give(folder: Path, identity: Identity) -> None:
    """Change the owner of a folder and all it holds; links are changed themselves, never followed."""
    if (os.geteuid(), os.getegid()) == (identity.uid, identity.gid) and folder.stat().st_uid == identity.uid:
        return
    for path in _with_contents(folder):
        os.chown(path, identity.uid, identity.gid, follow_symlinks=False)


def _with_contents(folder: Path) -> Iterable[Path]:
    # The folder last: should we be interrupted, it still shows the old owner and the next start does it again.
    for parent, folders, files in os.walk(folder, topdown=False):
        yield from (Path(parent, name) for name in (*folders, *files))
    yield folder


def _sync_folder(folder: Path) -> None:
    # A rename is durable when the folder that holds the name is.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

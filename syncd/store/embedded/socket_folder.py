"""The short private folder that holds Postgres' Unix socket and the supervisor's.

The plain place would be the data folder. But the kernel cuts socket paths at 107 bytes, and data folders lie deep.
So the sockets lie in the machine's folder for temporary files, under a name made from the data folder's path.
`XDG_RUNTIME_DIR` is not used: it is deleted when its user logs out, also under a server that goes on running.
"""

import contextlib
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from syncd.store.embedded.errors import EmbeddedPostgresError
from syncd.store.embedded.identity import Identity

CONTROL = "control.sock"
# Postgres makes its socket's name out of the port, also where no TCP port is opened.
PORT = 5432
# The room in sockaddr_un less the final zero: 107 bytes on Linux, 103 on macOS. The smaller one serves both.
SOCKET_PATH_BYTES_MAX = 103
# Postgres splits its setting at commas, asyncpg splits hosts at commas, and URLs have their own ideas:
# a folder with another letter in it is passed over.
_SAFE_PATH = re.compile(r"[A-Za-z0-9/._+-]+")


def open_socket_folder(data_dir: Path, identity: Identity) -> Path:
    """Make the folder, or take over the one that a killed supervisor left, and return it empty.

    Only for the holder of the data folder's lock: whatever lies in there has no living owner then.

    Raises:
        EmbeddedPostgresError: somebody else made it, or it is no folder, or others can enter it.
    """
    name = hashlib.sha256(f"{data_dir}\0{identity.uid}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
    folder = _home(name) / f"syncd-{name}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    with _opened(folder) as descriptor:
        found = os.fstat(descriptor)
        # Root owns it where the other user has not been given it yet: a supervisor killed between the two steps.
        if found.st_uid not in (identity.uid, os.geteuid()) or found.st_mode & 0o077:
            raise EmbeddedPostgresError(
                f"{folder} belongs to uid {found.st_uid} with mode {stat.S_IMODE(found.st_mode):04o}, but must belong "
                f"to uid {identity.uid} and be closed to others; find out who made it, then remove it"
            )
        _empty(descriptor)
        if found.st_uid != identity.uid:
            os.fchown(descriptor, identity.uid, identity.gid)
    return folder


def remove_socket_folder(folder: Path) -> None:
    """Remove the folder and its sockets; what cannot be removed is left to the next start."""
    with contextlib.suppress(OSError, EmbeddedPostgresError):
        with _opened(folder) as descriptor:
            _empty(descriptor)
        folder.rmdir()


def _home(name: str) -> Path:
    longest = len(f"/syncd-{name}/.s.PGSQL.{PORT}.lock")
    for home in (Path(tempfile.gettempdir()).resolve(), Path("/tmp")):  # noqa: S108 - see _opened for who may use it
        if len(str(home)) + longest <= SOCKET_PATH_BYTES_MAX and _SAFE_PATH.fullmatch(str(home)):
            return home
    raise EmbeddedPostgresError("no folder for temporary files has a path short enough for sockets; set TMPDIR to one")


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """The folder's descriptor. All work goes through it, so that nobody can put a link in its place meanwhile."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"{folder} must be a private folder, but is a link, a file, or closed to us ({error.strerror}); "
            "find out who made it, then remove it"
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _empty(descriptor: int) -> None:
    for name in os.listdir(descriptor):
        os.unlink(name, dir_fd=descriptor)

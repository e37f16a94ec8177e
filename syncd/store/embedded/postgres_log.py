"""`postgres.log` in the data folder: what Postgres, initdb and the supervisor have to say."""

import contextlib
import os
from pathlib import Path

# One start and stop is a kilobyte, beyond that Postgres writes warnings only. A log of this size is set aside at the
# next start, and the one that was set aside before is dropped.
LOG_BYTES_MAX = 8 * 1024 * 1024
# Enough for the last line and its "DETAIL" and "HINT"; an error message is no place for a whole log.
TAIL_LINES = 4
TAIL_BYTES = 2048


def log_path(data_dir: Path) -> Path:
    return data_dir / "postgres.log"


def open_log(data_dir: Path) -> int:
    """A descriptor that appends to the log, belonging to the owner of the data folder."""
    path = log_path(data_dir)
    with contextlib.suppress(FileNotFoundError):
        if path.lstat().st_size > LOG_BYTES_MAX:
            path.replace(path.with_suffix(".log.1"))
    return open_owned(path, os.O_WRONLY | os.O_APPEND)


def open_owned(path: Path, flags: int) -> int:
    """Open or make a file of ours; made by root, it is given to the owner of the folder, who must be able to use it."""
    # Not through a link: the folder may belong to another user than root, who could make us write anywhere.
    descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def log_size(data_dir: Path) -> int:
    """Bytes in the log now, to tell later what was written since; 0 when there is none."""
    try:
        return log_path(data_dir).stat().st_size
    except OSError:
        return 0


def log_tail(data_dir: Path, *, since: int) -> str:
    """The last lines written after byte `since`, as one line; empty when there are none."""
    try:
        with log_path(data_dir).open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(since if since <= end else 0, end - TAIL_BYTES))
            lines = log.read(TAIL_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return " | ".join([line.strip() for line in lines if line.strip()][-TAIL_LINES:])

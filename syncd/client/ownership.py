"""Which of several processes on one store holds the socket: the one that holds the lock beside the file.

The system takes the lock away when its process ends, however it ends; so the lock never outlives its holder. In the
lock's file the holder says whether it is connected, for the others: what they start then is not theirs alone. It counts
only while somebody holds the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import Final

_CONNECTED: Final = b"1"
_NOT_CONNECTED: Final = b"0"


class Ownership:
    """The lock of one store, as one process sees it."""

    def __init__(self, path: str | None) -> None:
        """`path`: of the store; a store in memory (None) has one owner anyway."""
        self._path = None if path is None else f"{path}.owner"
        self._fd: int | None = None

    def acquire(self) -> bool:
        """Whether this process holds the lock now; never waits."""
        if self._path is None or self._fd is not None:
            return True
        fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        self.tell(connected=False)  # the holder before us may have been killed
        return True

    def tell(self, *, connected: bool) -> None:
        """Tell the other processes whether we are connected. Does nothing in one that does not hold the lock."""
        if self._fd is not None:
            with contextlib.suppress(OSError):  # a full disk: then what others start is theirs until they are asked
                os.pwrite(self._fd, _CONNECTED if connected else _NOT_CONNECTED, 0)

    def is_holder_connected(self) -> bool:
        """Whether another process holds the lock, and says that it is connected."""
        if self._path is None or self._fd is not None:
            return False
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.pread(fd, 1, 0) == _CONNECTED
        finally:
            os.close(fd)
        return False

    def release(self) -> None:
        """Let another process go on. Twice is harmless. The file stays: removing it would make two locks of one."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

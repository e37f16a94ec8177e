"""What a device keeps on its disk: one SQLite file, which several processes may open.

    header    one row: who writes (writer, nonce, account, device) and the clock
    streams   per stream the cursor and the highest seq ever minted
    cells     confirmed cells
    outbox    own events without an answer

An own event and its seq are one transaction, on the disk when it returns (WAL, synchronous=FULL). Confirmed cells, the
cursor they lead to and the own events they answer are one transaction too, but may reach the disk later: the server
would send them again. A cursor is never ahead of the cells. Killed at any point, the file opens as it was after some
whole transaction.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import string
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from msgspec.structs import replace

from syncd.client.errors import StoreBusy
from syncd.client.store_rows import (
    OUTBOX_COLUMNS,
    Contents,
    Header,
    OutboxRows,
    StreamRow,
    Unsaved,
    event_of_row,
    row_of_event,
)
from syncd.errors import ConfigError
from syncd.model.canonical import canonical, from_canonical
from syncd.model.cells import Cell, Cells
from syncd.model.ids import WRITER_LENGTH
from syncd.model.restamp import Pending

BUSY_TIMEOUT_S = 5.0
"""How long to wait for another process's transaction; theirs are as short as ours, tens of ms at most."""
APPLICATION_ID: Final = 0x5359_4E43
"""\"SYNC\" in the file's header: what tells our file from another SQLite file."""
FORMAT: Final = 1
"""`user_version` of the file."""

_SCHEMA = """
create table header (
    one integer primary key check (one = 1), nonce text not null, writer text not null,
    account text, device text not null, generation integer not null, clock_t integer not null,
    seen_t integer not null, sent_t integer not null, wall_offset_ms integer not null, left_epoch text
);
create table streams (stream text primary key, cursor text, last_seq integer not null) without rowid;
create table cells (
    stream text not null, key text not null, rank text not null, value blob not null, primary key (stream, key)
) without rowid;
create table outbox (
    n integer primary key autoincrement, stream text not null, seq integer not null, t integer not null,
    kind text not null, data blob not null, valid_ms integer, seen_t integer not null, wall_ms integer not null,
    monotonic_ms integer not null, boot text not null, sent integer not null, unique (stream, seq)
);
"""
_INSERT = f"insert into outbox ({OUTBOX_COLUMNS}) values ({', '.join('?' * 12)})"  # noqa: S608 - our own column names


class LocalStore:
    """One open file. Not thread-safe: the caller holds its lock."""

    def __init__(self, path: str | None) -> None:
        """Open the file, or make it. None keeps everything in memory.

        Raises:
            ConfigError: the file cannot be made, is no store of ours, or is one of a later version.
            StoreBusy: another process holds it.
        """
        self.path = path
        if path is not None:
            _make_private(path)
        self._sql = sqlite3.connect(
            ":memory:" if path is None else path,
            isolation_level=None,
            timeout=BUSY_TIMEOUT_S,
            check_same_thread=False,
        )
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self._sql.close()
            if isinstance(error, sqlite3.OperationalError):
                raise StoreBusy(f"store {path}: {error}") from error
            raise ConfigError(f"store {path} is not a store of syncd: {error}") from error
        except ConfigError:
            self._sql.close()
            raise
        self._version = self._data_version()

    def load(self) -> Contents:
        """All of it, as of one moment."""
        with self._transaction(durable=False):
            streams = {name: StreamRow(cursor, seq) for name, cursor, seq in self._sql.execute("select * from streams")}
            cells: dict[str, Cells] = {}
            for stream, key, rank, value in self._sql.execute("select stream, key, rank, value from cells"):
                cells.setdefault(stream, {})[key] = Cell(rank, from_canonical(value))
            return Contents(self._header(), streams, cells, self._outbox())

    def changed_elsewhere(self) -> bool:
        """Whether another process has written since this was asked last."""
        version = self._data_version()
        changed, self._version = version != self._version, version
        return changed

    # --- own events ---

    def mint(
        self, draft: Pending, *, generation: int, tick: Callable[[int], int], sent: bool
    ) -> tuple[int, Pending] | None:
        """Give an event its seq and time, and save it. On the disk when this returns.

        Args:
            draft: its seq and t are placeholders.
            generation: of the names in it; None is returned, and nothing saved, when the file's is another.
            tick: last time -> next time.
            sent: whether it leaves the device now.

        Raises:
            StoreBusy: nothing was saved.
        """
        with self._transaction(durable=True):
            found, clock_t, sent_t = self._sql.execute("select generation, clock_t, sent_t from header").fetchone()
            if found != generation:
                return None
            row = self._sql.execute("select last_seq from streams where stream = ?", (draft.stream,)).fetchone()
            seq, t = (row[0] if row else 0) + 1, tick(clock_t)
            event = replace(draft, seq=seq, t=t, sent=sent)
            self._sql.execute(
                "insert into streams values (?, null, ?)"
                " on conflict (stream) do update set last_seq = excluded.last_seq",
                (draft.stream, seq),
            )
            n = self._sql.execute(_INSERT, row_of_event(None, event)).lastrowid
            assert n is not None
            self._sql.execute("update header set clock_t = ?, sent_t = ?", (t, max(sent_t, t) if sent else sent_t))
            return n, event

    def mark_sent(self, ns: Sequence[int], *, sent_t: int) -> None:
        """These events leave the device now; from here on their times are fixed."""
        with self._transaction(durable=False):
            self._sql.executemany("update outbox set sent = 1 where n = ?", [(n,) for n in ns])
            self._sql.execute("update header set sent_t = max(sent_t, ?)", (sent_t,))

    def minted_after(self, n: int) -> OutboxRows:
        """Own events that were minted later than this one, as by another process."""
        return self._outbox(after=n)

    def rename(self, transform: Callable[[Header, OutboxRows], OutboxRows]) -> Contents:
        """Rewrite the header and all pending events at once; another process's events are among them.

        `transform` changes the header in place and returns the events that stay. When it changes the writer, their
        seqs are all that was ever minted.

        Returns:
            Header, streams and outbox as they are now; no cells.
        """
        with self._transaction(durable=True):
            header, before = self._header(), self._outbox()
            old_writer = header.writer
            after = transform(header, before)
            if after != before or header.writer != old_writer:
                header.generation += 1
                self._sql.execute("delete from outbox")
                self._sql.executemany(_INSERT, [row_of_event(n, event) for n, event in after])
            if header.writer != old_writer:
                self._sql.execute("update streams set last_seq = 0")
                self._sql.executemany(
                    "update streams set last_seq = max(last_seq, ?) where stream = ?",
                    [(event.seq, event.stream) for _, event in after],
                )
            self._put_header(header)
            rows = self._sql.execute("select * from streams")
            return Contents(header, {name: StreamRow(cursor, seq) for name, cursor, seq in rows}, {}, after)

    # --- what the server confirmed ---

    def save(self, unsaved: Unsaved, *, seen_t: int, sent_t: int, wall_offset_ms: int) -> None:
        """Write confirmed changes, in one transaction."""
        with self._transaction(durable=False):
            for stream in unsaved.replaced:
                self._sql.execute("delete from cells where stream = ?", (stream,))
            for stream, cells in unsaved.cells.items():
                self._sql.executemany(
                    "insert into cells values (?, ?, ?, ?)"
                    " on conflict (stream, key) do update set rank = excluded.rank, value = excluded.value",
                    [(stream, key, cell.rank, canonical(cell.value)) for key, cell in cells.items()],
                )
            self._sql.executemany(
                "insert into streams values (?, ?, 0) on conflict (stream) do update set cursor = excluded.cursor",
                list(unsaved.cursors.items()),
            )
            self._sql.executemany("delete from outbox where n = ?", [(n,) for n in unsaved.answered])
            self._sql.execute(
                "update header set seen_t = max(seen_t, ?), sent_t = max(sent_t, ?), wall_offset_ms = ?",
                (seen_t, sent_t, wall_offset_ms),
            )

    def leave(self, epoch: str | None) -> None:
        """Remember which detached session the listener has left."""
        with self._transaction(durable=False):
            self._sql.execute("update header set left_epoch = ?", (epoch,))

    def close(self) -> None:
        """Close the file. Twice is harmless."""
        self._sql.close()

    # --- inside ---

    def _open(self) -> None:
        self._sql.execute("pragma journal_mode = wal")
        with self._transaction(durable=True):
            application, format_ = self._pragma("application_id"), self._pragma("user_version")
            if application == APPLICATION_ID and format_ > FORMAT:
                raise ConfigError(f"store {self.path} has format {format_}; this program reads up to {FORMAT}")
            if application == APPLICATION_ID:
                return
            if application or self._sql.execute("select count(*) from sqlite_master").fetchone()[0]:
                raise ConfigError(f"store {self.path} is a database of something else")
            for statement in _SCHEMA.split(";"):
                self._sql.execute(statement)
            self._put_header(Header(nonce=_random(16), writer=_random(WRITER_LENGTH), device=f"new-{_random(10)}"))
            self._sql.execute(f"pragma application_id = {APPLICATION_ID}")
            self._sql.execute(f"pragma user_version = {FORMAT}")

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[None]:
        """One transaction; after a durable one a power failure changes nothing any more."""
        try:
            self._sql.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
            self._sql.execute("begin immediate")
        except (sqlite3.OperationalError, sqlite3.ProgrammingError) as error:  # the latter when it is closed
            raise StoreBusy(f"store {self.path}: {error}") from error
        try:
            yield
            self._sql.execute("commit")
        except BaseException as error:
            if self._sql.in_transaction:
                self._sql.execute("rollback")
            if isinstance(error, sqlite3.OperationalError):
                raise StoreBusy(f"store {self.path}: {error}") from error
            raise

    def _pragma(self, name: str) -> int:
        return int(self._sql.execute(f"pragma {name}").fetchone()[0])

    def _data_version(self) -> int:
        return self._pragma("data_version")

    def _header(self) -> Header:
        columns = ", ".join(Header.__slots__)
        row = self._sql.execute(f"select {columns} from header").fetchone()  # noqa: S608 - our own column names
        return Header(*row)

    def _put_header(self, header: Header) -> None:
        names = Header.__slots__
        self._sql.execute("delete from header")
        self._sql.execute(
            f"insert into header (one, {', '.join(names)}) values (1, {', '.join('?' * len(names))})",  # noqa: S608
            [getattr(header, name) for name in names],
        )

    def _outbox(self, *, after: int = 0) -> OutboxRows:
        rows = self._sql.execute(
            f"select {OUTBOX_COLUMNS} from outbox where n > ? order by n",  # noqa: S608 - our own column names
            (after,),
        )
        return [(row[0], event_of_row(row)) for row in rows]


def _make_private(path: str) -> None:
    """Let the file exist, readable by its owner alone: it tells what somebody listens to."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigError(f"store {path}: {error.strerror}") from error


def _random(length: int) -> str:
    alphabet = string.ascii_lowercase + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(length))

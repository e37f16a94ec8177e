"""Everything a device knows and owes: its replicas, its own events without an answer, its clocks, its store.

What happens here is synchronous and needs no connection. Every method takes the lock, so that actions may come from
any thread; watchers are called under it. Listeners act through `act`; the rest is for the connection, which brings what
the server says. Source: merge.md sections 1 and 2.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from syncd.client.clocks import DeviceClock, ServerTime
from syncd.client.draft import Draft, pending_of
from syncd.client.errors import OtherAccount, WriterLost
from syncd.client.outbox import Outbox
from syncd.client.own_event import Outcome, OwnEvent
from syncd.client.renaming import Admission, Login, follow, identified, is_admitted, is_the_one_seen
from syncd.client.replica import ChangedCells, Replica
from syncd.client.replicas import Replicas
from syncd.client.store import LocalStore
from syncd.client.store_rows import Header, OutboxRows, Unsaved
from syncd.errors import PositionLost
from syncd.model.cells import Cells
from syncd.model.restamp import Pending, Reconnect
from syncd.model.stamp import STAMP_LENGTH, pack, stamp_t
from syncd.protocol.client_session import Replaced, cells_of
from syncd.protocol.messages import AckItem, Delta, Nack

UNSAVED_ROWS_MAX = 2_000
"""Confirmed rows that may wait in memory for the disk; beyond it they are written at once, in about 5 ms."""


class LocalState:
    """See the module's first lines.

    Attributes:
        header: who this store writes as, and its clock.
        time: the server's clock as it is known here.
        leaves_now: whether an event minted now on a stream is sent at once; the connection says.
        on_owed: called, without the lock, when there is something new to send.
    """

    def __init__(self, store: LocalStore, clock: DeviceClock) -> None:
        self.lock = threading.RLock()
        self.replicas = Replicas()
        self.outbox = Outbox()
        self.leaves_now: Callable[[str], bool] = lambda stream: False
        self.on_owed: Callable[[], None] = lambda: None
        self._store = store
        self._unsaved = Unsaved()
        self.header: Header
        self.reload()
        self.time = ServerTime(clock, wall_offset_ms=self.header.wall_offset_ms)

    # --- what listeners do ---

    def act(self, build: Callable[[], Draft]) -> OwnEvent:
        """Make one event: on the disk, with its seq, and showing when this returns.

        Args:
            build: called under the lock, so that what it reads does not change before its event is made; again, when
                another process of this store has renamed what it may have read.

        Raises:
            InvalidEvent, LimitExceeded: the gateway would refuse it; nothing was made.
            StoreBusy: nothing was made.
        """
        with self.lock:
            minted = None
            while minted is None:
                draft = build()
                draft = draft._replace(stream=self.replicas.get(draft.stream).stream)
                minted = self._store.mint(
                    pending_of(draft, seen_t=self.header.seen_t, time=self.time),
                    generation=self.header.generation,
                    tick=self._tick,
                    sent=self.leaves_now(draft.stream),
                )
                if minted is None:
                    self.reload()
            if minted[0] > self.outbox.last_n + 1:
                self.adopt_foreign(before=minted[0])
            event = self._enter(*minted)
        self.on_owed()
        return event

    def make(self, draft: Draft) -> OwnEvent:
        """Make one event that names nothing which could be renamed. Raises as `act`."""
        return self.act(lambda: draft)

    # --- what the server says ---

    def heard(self, delta: Delta) -> None:
        """Join a delta. Its cells and its cursor reach the disk together."""
        with self.lock:
            replica = self.replicas.get(delta.stream)
            cells = cells_of(delta.cells)
            self._see(delta.by.t if delta.by is not None else largest_t(cells))
            changed = self._confirm(replica, cells, cursor=delta.cursor)
            self.replicas.changed(replica.stream, changed, delta.by)
            self._flush_if_many()

    def replaced(self, snapshot: Replaced) -> None:
        """Take a snapshot in place of what was confirmed."""
        with self.lock:
            replica = self.replicas.get(snapshot.stream)
            self._see(largest_t(snapshot.cells))
            changed = replica.replace(snapshot.cells)
            self._unsaved.replaced.add(replica.stream)
            self._unsaved.cells[replica.stream] = dict(snapshot.cells)
            self._move_cursor(replica, snapshot.cursor)
            self.replicas.changed(replica.stream, changed)
            self._flush_if_many()

    def acked(self, ack: AckItem, *, assembling: bool) -> OwnEvent | None:
        """An own event is durable: as admitted, it moves from the pending ones to the confirmed ones.

        One that was `seen` is only dropped: its cells come, or came, by the cursor.

        Args:
            assembling: whether a snapshot of the stream is under way, whose cursor will count instead of this one.

        Raises:
            PositionLost: the ack is of an event that is not pending, and its cells will not come by a delta.
            WriterLost: what was seen under this number is another event. Ours stays pending.
        """
        with self.lock:
            replica = self.replicas.get(ack.stream)
            self._see(ack.t)
            self.header.sent_t = max(self.header.sent_t, ack.t)
            event = self.outbox.find(ack.stream, ack.seq) if ack.writer == self.header.writer else None
            if event is None:
                if ack.seen:
                    return None
                self.drop_cursor(replica.stream)
                raise PositionLost(f"ack of {ack.writer}.{ack.seq} on {ack.stream}, which is not pending here")
            if ack.seen and not is_the_one_seen(event.pending, ack.writer, ack.t, replica.confirmed):
                raise WriterLost(f"another life of this store has sent something else as {event.id} on {ack.stream}")
            self._settle(event, Outcome.ADMITTED)
            written, made_t = event.cells, event.event.t
            event.admitted(ack.t)
            changed: ChangedCells = {}
            if not ack.seen:
                changed = self._confirm(replica, event.cells, cursor=None if assembling else ack.cursor)
            changed.update(replica.drop(event.n, written))
            self.replicas.changed(replica.stream, changed)
            self._follow(Admission(made_t, event.event.t, self.header.writer))
            self._flush_if_many()
            return event

    def refused(self, nack: Nack, *, outcome: Outcome = Outcome.REFUSED) -> OwnEvent | None:
        """An own event was refused for good: what it wrote shows no more. None when it was not pending."""
        with self.lock:
            event = self.outbox.find(nack.stream, nack.seq)
            if event is None:
                return None
            event.refusal = nack
            self._settle(event, outcome)
            replica = self.replicas.get(nack.stream)
            self.replicas.changed(nack.stream, replica.drop(event.n, event.cells))
            return event

    def drop_cursor(self, stream: str) -> None:
        """Ask for a snapshot next time."""
        with self.lock:
            self._move_cursor(self.replicas.get(stream), None)

    def check_account(self, account: str) -> None:
        """Refuse to mix two accounts in one store.

        Raises:
            OtherAccount: the store belongs to another one.
        """
        if self.header.account not in (None, account):
            raise OtherAccount(
                f"store {self._store.path} belongs to account {self.header.account}, the token to {account}"
            )

    def identify(self, login: Login) -> None:
        """Begin to write as this login: what is pending is restamped, and renumbered where the writer is another.

        Call it when every stream with pending events has caught up: then those that a former life of this store has
        sent already are found among the confirmed cells, and not sent a second time.
        """
        with self.lock:
            self.replicas.account = login.account

            def transform(header: Header, outbox: OutboxRows) -> OutboxRows:
                header.seen_t = max(header.seen_t, self.header.seen_t)
                return identified(
                    header, outbox, login=login, now=self._reconnect(header), is_admitted=self._is_admitted
                )

            self._rename(transform)

    # --- the store ---

    def flush(self) -> None:
        """Write what the server confirmed to the disk.

        Raises:
            StoreBusy: nothing was written; it is kept, and goes with the next flush.
        """
        with self.lock:
            if self._unsaved.size:
                header = self.header
                self._store.save(
                    self._unsaved, seen_t=header.seen_t, sent_t=header.sent_t, wall_offset_ms=self.time.wall_offset_ms
                )
                self._unsaved = Unsaved()

    @property
    def has_unsaved(self) -> bool:
        """Whether `flush` has anything to do."""
        return self._unsaved.size > 0

    def mark_sent(self, events: Sequence[OwnEvent]) -> None:
        """These leave the device now; their times are fixed from here on."""
        with self.lock:
            fresh = [event for event in events if not event.pending.sent]
            if fresh:
                self.header.sent_t = max(self.header.sent_t, *(event.event.t for event in fresh))
                self._store.mark_sent([event.n for event in fresh], sent_t=self.header.sent_t)
                for event in fresh:
                    event.pending = replace(event.pending, sent=True)

    def leave(self, epoch: str | None) -> None:
        """Remember which detached session the listener has left; see `Header.left_epoch`."""
        with self.lock:
            self._store.leave(epoch)
            self.header.left_epoch = epoch

    def changed_elsewhere(self) -> bool:
        """Whether another process has written to the store since this was asked last."""
        with self.lock:
            return self._store.changed_elsewhere()

    def adopt_foreign(self, *, before: int | None = None) -> None:
        """Take in own events that another process of this store has made (with an `n` below `before`)."""
        with self.lock:
            for n, pending in self._store.minted_after(self.outbox.last_n):
                if before is None or n < before:
                    self._enter(n, pending)

    def reload(self) -> None:
        """Read everything from the store again, as a process does that does not hold the socket."""
        with self.lock:
            contents = self._store.load()
            self.header = contents.header
            self.replicas.account = contents.header.account
            for event in self.outbox.rename(contents.outbox, contents.header.writer):
                event.outcome = Outcome.GONE
            replicas = {
                stream: Replica(stream, confirmed=contents.cells.get(stream), cursor=row.cursor, last_seq=row.last_seq)
                for stream, row in contents.streams.items()
            }
            for event in self.outbox:
                replicas[event.pending.stream].add(event)
            self.replicas.exchange(replicas)

    def close(self) -> None:
        """Write what is left, and close the file. Twice is harmless."""
        with self.lock:
            try:
                self.flush()
            finally:
                self._store.close()

    # --- inside ---

    def _enter(self, n: int, pending: Pending) -> OwnEvent:
        event = OwnEvent(n, pending, self.header.writer)
        self.outbox.enter(event)
        replica = self.replicas.get(pending.stream)
        replica.last_seq = max(replica.last_seq, pending.seq)
        self.replicas.changed(replica.stream, replica.add(event))
        return event

    def _settle(self, event: OwnEvent, outcome: Outcome) -> None:
        event.outcome = outcome
        self.outbox.remove(event)
        self._unsaved.answered.append(event.n)

    def _confirm(self, replica: Replica, cells: Cells, *, cursor: str | None) -> ChangedCells:
        changed = replica.confirm(cells)
        unsaved = self._unsaved.cells.setdefault(replica.stream, {})
        unsaved.update({key: replica.confirmed[key] for key in cells})
        if cursor is not None:
            self._move_cursor(replica, cursor)
        return changed

    def _move_cursor(self, replica: Replica, cursor: str | None) -> None:
        replica.cursor = self._unsaved.cursors[replica.stream] = cursor

    def _flush_if_many(self) -> None:
        if self._unsaved.size >= UNSAVED_ROWS_MAX:
            self.flush()

    def _tick(self, last_t: int) -> int:
        return max(last_t + 1, self.header.seen_t + 1, pack(self.time.now_ms()))

    def _see(self, t: int) -> None:
        self.header.seen_t = max(self.header.seen_t, t)

    def _reconnect(self, header: Header) -> Reconnect:
        return Reconnect(
            server_now_ms=self.time.now_ms(),
            offset_ms=self.time.wall_offset_ms,
            monotonic_ms=self.time.monotonic_ms(),
            boot=self.time.boot,
            sent_t=header.sent_t,
        )

    def _is_admitted(self, event: Pending) -> bool:
        return is_admitted(event, self.header.writer, self.replicas.get(event.stream).confirmed)

    def _rename(self, transform: Callable[[Header, OutboxRows], OutboxRows]) -> None:
        """Rewrite what is pending, on the disk and here. What is left out was admitted."""
        self.flush()
        self.adopt_foreign()
        shown = [(event.pending.stream, event.n, event.cells) for event in self.outbox]
        contents = self._store.rename(transform)
        self.header = contents.header
        changed: dict[str, ChangedCells] = {}
        for stream, n, cells in shown:
            changed.setdefault(stream, {}).update(self.replicas.get(stream).drop(n, cells))
        for event in self.outbox.rename(contents.outbox, contents.header.writer):
            event.outcome = Outcome.ADMITTED
        for event in self.outbox:
            stream = event.pending.stream
            changed.setdefault(stream, {}).update(self.replicas.get(stream).add(event))
        for stream, row in contents.streams.items():
            self.replicas.get(stream).last_seq = row.last_seq
        for stream, now in changed.items():
            self.replicas.changed(stream, now)

    def _follow(self, admission: Admission) -> None:
        """An own event was admitted with another time: those that never left may have to change with it."""
        if admission.made_t != admission.admitted_t and any(admission.concerns(event.pending) for event in self.outbox):
            self._rename(lambda header, outbox: follow(outbox, admission, now=self._reconnect(header)))


def largest_t(cells: Cells) -> int:
    """The largest time of any event behind these cells, as far as their ranks tell: those of registers do."""
    return max((stamp_t(cell.rank) for cell in cells.values() if len(cell.rank) == STAMP_LENGTH), default=0)

"""What one device and the gateway say to each other once the socket stands.

Messages are handled in the order they came. What needs an answer from the database (hello, subscribe, the first event
on a stream) runs as the conversation's one task; later messages wait behind it, a bounded number of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from syncd.accounts import Login
from syncd.errors import LoginExpired, LoginRevoked, PositionLost, Unavailable
from syncd.gateway.author import Author
from syncd.gateway.claims import resolved_claims
from syncd.gateway.guard import Guard
from syncd.gateway.intake import nack_of, prepare, take_in
from syncd.gateway.lane import Lane
from syncd.gateway.ledger import StreamLedger, WriterLedger
from syncd.gateway.outbox import Outbox
from syncd.gateway.pending import Pending
from syncd.limits import SUBSCRIPTIONS_MAX
from syncd.logs import get_logger
from syncd.model.ids import is_playlist, is_stream
from syncd.protocol import close_codes
from syncd.protocol.messages import (
    AckItem,
    ClientMessage,
    DigestRequest,
    Emit,
    EmittedEvent,
    Error,
    Hello,
    Nack,
    Ping,
    Pong,
    StreamClaim,
    StreamWelcome,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from syncd.protocol.partly_read import BrokenEmit
from syncd.protocol.server_session import Broken, ServerSession
from syncd.push.catch_up import Plan
from syncd.push.entry import Entry
from syncd.push.subscription import Subscription, SubscriptionState

if TYPE_CHECKING:
    from syncd.gateway.connection import Connection
    from syncd.gateway.gateway import Gateway

log = get_logger("gateway")

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""What a task will do; called when it runs, since a task may be cancelled before."""
BACKLOG_MAX = 32
"""Messages that wait behind a task before the socket is read no further."""
STREAMS_HELD_MAX = 2 * SUBSCRIPTIONS_MAX
"""Streams whose rules and seqs a connection keeps at hand: those it listens to, and as many that it only writes to."""


class Conversation:
    """One connection's login, writer, subscriptions and events under way."""

    __slots__ = (
        "_backlog", "_connection", "_holds_back", "_home", "_serving", "_session", "_task", "author", "gateway",
        "guards", "is_closed", "lanes", "login", "outbox", "own_stream", "subscriptions", "wants_view", "writer",
    )  # fmt: skip

    def __init__(self, gateway: Gateway, connection: Connection, outbox: Outbox) -> None:
        self.gateway = gateway
        self._connection = connection
        self._session = ServerSession(outbox.codec)
        self._backlog: list[ClientMessage | BrokenEmit] | None = None
        self._holds_back = False
        """Whether the socket is not read because of the backlog."""
        self._task: asyncio.Task[None] | None = None
        self._serving: set[asyncio.Task[None]] | None = None
        self.guards: dict[str, Guard] = {}
        self.lanes: dict[str, Lane] = {}
        """Ways into the streams that this connection writes to, by the names that its events give them."""
        self._home: int | None = None
        """The partition of the account's own stream, held so that the end of this device's login is noticed."""
        self.is_closed = False
        """Nothing more is heard."""
        self.outbox = outbox
        self.login: Login | None = None
        self.own_stream = ""
        self.author: Author | None = None
        self.writer: WriterLedger | None = None
        self.wants_view = False
        self.subscriptions: dict[str, Subscription] = {}

    # --- from the connection ---

    def receive(self, payload: bytes, *, text: bool) -> None:
        """One message came. This is the outer wall of what needs no task."""
        try:
            message = self._session.receive(payload, text=text)
            if self._task is not None:
                self._wait(message)
            elif isinstance(message, Emit):  # as nearly all are
                self._emit(message.events)
            else:
                self._handle(message)
        except Broken as broken:
            self.outbox.send(broken.error)
            self._connection.close(broken.close, broken.error.message)
        except Exception:
            self._broke()

    def drained(self) -> None:
        """The outbox has room, maybe again: whoever is behind, by that or since cells were rebuilt, catches up."""
        for subscription in list(self.subscriptions.values()):
            if subscription.state is SubscriptionState.BEHIND:
                self._serve(partial(self.gateway.catch_up.resume, subscription))
            elif subscription.state is SubscriptionState.VIEWING:
                self.gateway.views.refresh(subscription)

    def closed(self) -> None:
        """The connection is gone. What is under way to the log goes on; nobody waits for its answer."""
        if self.is_closed:
            return
        self.is_closed = True
        self._session.close()
        if self._task is not None:
            self._task.cancel()
        for task in self._serving or ():
            task.cancel()
        for stream in list(self.subscriptions):
            self._drop(stream)
        for guard in list(self.guards.values()):
            self.gateway.guards.give_back(guard, self)
        if self._home is not None:
            self.gateway.tails.release(self._home)
        self.gateway.conversation_closed(self)

    # --- from the gateway ---

    def settled(self, entry: Entry, cursor: str | None) -> None:
        """An event of ours is durable."""
        if self.is_closed:
            return
        if entry.void is not None:
            self.refuse(nack_of(entry.stream, entry.seq, entry.void))
        else:
            self.outbox.ack(AckItem(entry.stream, entry.writer, entry.seq, entry.t, False, cursor))

    def unavailable(self, pendings: Sequence[Pending], reason: str) -> None:
        """The log refused these events of ours; the client keeps them and sends them again."""
        for pending in pendings:
            record = pending.record
            pending.ledger.admitted = min(pending.ledger.admitted, record.seq - 1)
            pending.ledger.voids.discard(record.seq)
            if not self.is_closed:
                self.refuse(Nack(record.stream, record.seq, "unavailable", reason))
        if self.writer is not None:
            self.writer.fall_back(self.gateway.appender.under_way_t(self.writer.writer))

    def role_lost(self, stream: str) -> None:
        """The account may not listen to this stream any more."""
        self._drop(stream)
        self.outbox.send(Unsubscribed(stream, "forbidden"))

    def end(self, code: close_codes.CloseCode, reason: str = "") -> None:
        """Close the socket."""
        self._connection.close(code, reason)

    # --- messages ---

    def _wait(self, message: ClientMessage | BrokenEmit | Error) -> None:
        """Keep a message behind the task that runs; what is refused as a whole waits for nothing."""
        if isinstance(message, Error):
            self.outbox.send(message)
            return
        if self._backlog is None:
            self._backlog = []
        self._backlog.append(message)
        if len(self._backlog) >= BACKLOG_MAX:
            self._holds_back = True
            self._connection.pause_reading()

    def _handle(self, message: ClientMessage | BrokenEmit | Error) -> None:
        if isinstance(message, (Emit, BrokenEmit)):
            self._emit(message.events)
        elif isinstance(message, Hello):
            self._start(partial(self._hello, message))
        elif isinstance(message, Subscribe):
            self._start(partial(self._subscribe, message))
        elif isinstance(message, Unsubscribe):
            stream = self.resolve(message.stream)
            self._drop(stream)
            self.outbox.send(Unsubscribed(stream))
        elif isinstance(message, Ping):
            self.outbox.send(Pong(message.sent_ms, self.gateway.clock.now_ms()))
        elif isinstance(message, Error):
            self.outbox.send(message)
        else:
            assert isinstance(message, DigestRequest)
            self._start(partial(self._digest, message))

    async def _hello(self, hello: Hello) -> None:
        gateway = self.gateway
        self._connection.greeted()
        self.login = login = await gateway.logins.of(hello.token)
        self.own_stream = own_stream = f"a:{login.account}"
        self.author = Author(login.account, login.device, gateway.region)
        home = gateway.log.partition_of(own_stream)
        await gateway.tails.hold(home)
        self._home = home
        self.wants_view = hello.view == "now"
        claims, refused = resolved_claims(hello.streams, own_stream)
        for error in refused:
            self.outbox.send(error)
        if len(claims) > 1:
            await self._load_guards([claim.stream for claim in claims])
        allowed = [claim for claim in claims if await self._may_subscribe(claim.stream)]
        self.writer = await gateway.writers.claim(
            hello.writer,
            proposal=hello.proposal,
            nonce=hello.nonce,
            author=self.author,
            claims=allowed,
            conversation=self,
        )
        welcomes: list[StreamWelcome] = []
        plans: list[tuple[Subscription, Plan]] = []
        for claim in allowed:
            if claim.stream != own_stream and not await self._may_subscribe(claim.stream):
                continue  # the role was lost while the writer was loaded
            subscription, how = self._open(claim)
            ledger = self.writer.streams[claim.stream]
            welcomes.append(StreamWelcome(claim.stream, ledger.durable + 1, how.resume))
            plans.append((subscription, how))
        self._session.welcomed()
        # In one write with what was missed, and who else is here.
        self.outbox.join(self.outbox.codec.framed(gateway.welcome(login, self.writer.writer, welcomes)))
        gateway.conversation_live(self)
        for subscription, how in plans:
            self._begin(subscription, how)

    async def _subscribe(self, claim: Subscribe) -> None:
        stream = self.resolve(claim.stream)
        if stream in self.subscriptions:
            self.outbox.send(Error("conflict", "already subscribed", stream))
            return
        if len(self.subscriptions) >= SUBSCRIPTIONS_MAX:
            self.outbox.send(Error("limit", f"at most {SUBSCRIPTIONS_MAX} subscriptions on a connection", stream))
            return
        if not is_stream(stream):
            self.outbox.send(Error("invalid", "a stream is a:<account>, a:me or p:<playlist, 16 characters or more>"))
            return
        if not await self._may_subscribe(stream):
            return
        assert self.writer is not None
        is_new = stream not in self.writer.streams
        ledger = await self.ledger_of(stream)
        if not await self._may_subscribe(stream):  # the role was lost while the ledger was loaded
            return
        # Who has emitted here on this very connection need not prove that its store is not an old copy.
        if is_new and (claim.last_seq or 0) < ledger.durable:
            self._connection.close(
                close_codes.WRITER_OUTDATED, f"last_seq {claim.last_seq or 0} of {stream}, known is {ledger.durable}"
            )
            return
        subscription, how = self._open(StreamClaim(stream, claim.cursor, claim.last_seq))
        self.outbox.send(Subscribed(stream, ledger.durable + 1, how.resume))
        self._begin(subscription, how)

    async def _digest(self, request: DigestRequest) -> None:
        stream = self.resolve(request.stream)
        if stream not in self.subscriptions:
            self.outbox.send(Error("invalid", "a digest is answered for subscribed streams only", stream))
            return
        self.outbox.send(await self.gateway.digest(stream))

    def _emit(self, events: Sequence[EmittedEvent | Nack]) -> None:
        """Take in events in order; from the first one that needs the database on, as a task."""
        left = take_in(self, events)
        if left:
            self._start(partial(self._emit_prepared, left))

    async def _emit_prepared(self, events: Sequence[EmittedEvent | Nack]) -> None:
        """Take in events the first of which needs the database."""
        while events:
            first = events[0]
            if not await prepare(self, first):
                return
            events = take_in(self, events)
            assert not events or events[0] is not first, "a prepared event needs no further preparation"

    def refuse(self, nack: Nack) -> None:
        """Answer an event with a no."""
        self.gateway.metrics.events_refused.add(nack.reason)
        self.outbox.nack(nack)

    # --- parts ---

    def now_s(self) -> float:
        """For what is done only so often."""
        return self.gateway.clock.monotonic_s()

    def resolve(self, stream: str) -> str:
        """A stream by its full name."""
        assert self.own_stream
        return self.own_stream if stream == "a:me" else stream

    async def guard_of(self, stream: str) -> Guard:
        """The rules of a stream, loaded when they are not here yet."""
        guard = self.guards.get(stream)
        if guard is None:
            self._make_room()
            guard = self.guards[stream] = await self.gateway.guards.take(stream, self)
        return guard

    async def _load_guards(self, streams: Sequence[str]) -> None:
        """Those of many streams at once, so that what is asked for each goes into few questions."""
        missing = [stream for stream in streams if stream not in self.guards and not self.is_foreign(stream)]
        if len(missing) > 1:
            for loaded in await asyncio.gather(*map(self.guard_of, missing), return_exceptions=True):
                if isinstance(loaded, BaseException):
                    raise loaded

    def _make_room(self) -> None:
        """Forget streams that are not listened to, and have nothing under way; they are loaded again when needed."""
        if len(self.guards) < STREAMS_HELD_MAX:
            return
        ledgers = {} if self.writer is None else self.writer.streams
        for stream in list(self.guards):
            ledger = ledgers.get(stream)
            if stream not in self.subscriptions and (ledger is None or ledger.admitted == ledger.durable):
                self.lanes.clear()  # of those that stay, they are made again when needed
                self.gateway.guards.give_back(self.guards.pop(stream), self)
                if self.writer is not None and ledgers.pop(stream, None) is not None:
                    self.writer.is_fresh = False

    def is_foreign(self, stream: str) -> bool:
        """Whether it is another account's own stream, about which nothing is looked up for us."""
        return stream != self.own_stream and not is_playlist(stream)

    async def _may_subscribe(self, stream: str) -> bool:
        """Whether this account may listen now; says so when not. Does not wait when the guard is here already."""
        assert self.login is not None
        guard = self.guards.get(stream)
        if guard is None and not self.is_foreign(stream):
            guard = await self.guard_of(stream)
        if guard is not None and guard.may_subscribe(self.login.account):
            return True
        self.outbox.send(Error("forbidden", "this account may not subscribe to this stream", stream))
        return False

    async def ledger_of(self, stream: str) -> StreamLedger:
        """How far our writer has come on a stream, loaded when it is not here yet."""
        assert self.writer is not None
        ledger = self.writer.streams.get(stream)
        if ledger is None:
            ledger = await self.gateway.writers.load(self.writer, stream)
        return ledger

    def _open(self, claim: StreamClaim) -> tuple[Subscription, Plan]:
        channel = self.guards[claim.stream].channel
        how = self.gateway.plan(channel, claim.cursor, wants_view=self.wants_view)
        assert self.login is not None
        subscription = self.gateway.hub.subscribe(channel, self.outbox, self.login.device)
        self.subscriptions[claim.stream] = subscription
        return subscription, how

    def _begin(self, subscription: Subscription, how: Plan) -> None:
        self.gateway.metrics.resumes.add(how.resume)
        if self.wants_view:
            self._serve(partial(self.gateway.views.show, subscription))
            self.gateway.announcements.knows(subscription)  # what it shows tells who plays
        elif how.resume == "tail":
            self.gateway.catch_up.serve_tail(subscription, how.offset)
            self.gateway.announcements.greet(subscription)
        else:
            self._serve(partial(self._catch_up, subscription, how))

    async def _catch_up(self, subscription: Subscription, how: Plan) -> None:
        await self.gateway.catch_up.serve(subscription, how)
        self.gateway.announcements.greet(subscription)

    def _drop(self, stream: str) -> None:
        subscription = self.subscriptions.pop(stream, None)
        if subscription is not None:
            self.gateway.views.hide(subscription)
            self.gateway.hub.unsubscribe(subscription)

    # --- tasks ---

    def _start(self, work: Work) -> None:
        """Run the one task that later messages wait for."""
        assert self._task is None
        task = self._task = self.gateway.loop.create_task(self._guarded(work))
        task.add_done_callback(self._went_on)

    def _went_on(self, _: asyncio.Task[None]) -> None:
        self._task = None
        if self.is_closed or self._backlog is None:
            return
        try:
            self._hear_backlog()
        except Exception:
            self._broke()
        if self._holds_back and len(self._backlog) < BACKLOG_MAX:
            self._holds_back = False
            self._connection.resume_reading()

    def _hear_backlog(self) -> None:
        """Up to the next message that needs a task."""
        while self._backlog and self._task is None:
            self._handle(self._backlog.pop(0))

    def _serve(self, work: Work) -> None:
        """Catch-up runs beside the messages: a snapshot being sent must not hold up events."""
        task = self.gateway.loop.create_task(self._guarded(work))
        if self._serving is None:
            self._serving = set()
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _guarded(self, work: Work) -> None:
        """The task's outer wall: every end of a conversation has a close code."""
        try:
            await work()
        except LoginExpired as error:
            self._fail(close_codes.LOGIN_EXPIRED, str(error))
        except LoginRevoked as error:
            self._fail(close_codes.LOGIN_REVOKED, str(error))
        except PositionLost as error:
            self._fail(close_codes.POSITION_LOST, str(error))
        except Unavailable as error:
            if self.gateway.seldom.due(error.code, now_s=self.now_s()):
                device = self.login.device if self.login else None
                log.warning("conversation_unavailable", device_id=device, code=error.code, error=str(error))
            self._fail(close_codes.UNAVAILABLE, "the log or the store does not answer")
        except ConnectionError:
            return  # it was closed while we were sending; there is nobody to tell
        except Exception:
            self._broke()

    def _broke(self) -> None:
        log.exception("conversation_broke", device_id=self.login.device if self.login else None)
        self._fail(close_codes.BUG, close_codes.BUG.reason)

    def _fail(self, code: close_codes.CloseCode, message: str) -> None:
        self.outbox.send(Error(code.name, message))
        self._connection.close(code, message)

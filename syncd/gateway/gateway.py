"""The gateway as a whole: its parts, how a durable record finds its way out, and how it starts and drains."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

from syncd.accounts import Accounts, Login
from syncd.clock import Clock
from syncd.errors import PositionLost, Unavailable
from syncd.gateway.announcements import Announcements
from syncd.gateway.appender import Appender
from syncd.gateway.connection import Connection
from syncd.gateway.conversation import Conversation
from syncd.gateway.guard import Guard
from syncd.gateway.guards import Guards
from syncd.gateway.heartbeat import Heartbeat
from syncd.gateway.ledger import note_all
from syncd.gateway.logins import Logins
from syncd.gateway.now_view import NowViews
from syncd.gateway.outbox import Outbox
from syncd.gateway.owners import Owners, ranked
from syncd.gateway.pending import Pending
from syncd.gateway.presence import PresenceBoard
from syncd.gateway.questions import Questions
from syncd.gateway.spans import AppendSpans, traced_publish
from syncd.gateway.tails import Tails
from syncd.gateway.upgrade import Upgrades
from syncd.gateway.writers import Writers
from syncd.limits import (
    APPEND_TIMEOUT_S,
    CONNECTIONS_MAX,
    CURSOR_REFRESH_S,
    EMIT_EVENTS_MAX,
    EVENT_BYTES_MAX,
    FRAME_BYTES_MAX,
    LIST_ITEMS_MAX,
    PING_TIMEOUT_S,
    REVOCATION_POLL_S,
    RING_BYTES_MAX,
    SEND_TIMEOUT_S,
    SUBSCRIPTIONS_MAX,
)
from syncd.log.port import EventLog
from syncd.log.record import LoggedRecord
from syncd.logs import Seldom, get_logger
from syncd.metrics import Metrics
from syncd.model.cells import digest as digest_of
from syncd.model.events import REBUILT
from syncd.protocol import close_codes
from syncd.protocol.messages import Digest, Drain, Limits, Presence, StreamWelcome, Welcome
from syncd.push.catch_up import CatchUp, Plan, plan
from syncd.push.entry import Entry
from syncd.push.hub import Channel, Hub, Origin
from syncd.push.sink import Sink
from syncd.push.subscription import SubscriptionState
from syncd.push.tail import Publish
from syncd.store.port import LiveGateway, SideChannel, Store
from syncd.traces import Traces

log = get_logger("gateway")

LIMITS = Limits(FRAME_BYTES_MAX, EVENT_BYTES_MAX, EMIT_EVENTS_MAX, SUBSCRIPTIONS_MAX)
REVOKED_TOPIC = "revoked"
"""Side channel: the payload is a device that was revoked just now."""
RELOAD_PAUSE_S = 1.0
"""Between attempts to learn what is known of a stream whose cells were rebuilt."""
KEEP_ALIVE_SWEEP_S = 2.0
ACCEPTED_A_TURN = 4
"""Connections, from each socket. The loop accepts one a turn from what it listens on, and a turn costs as much as a
system call or two; so it listens on copies. A lone arrival pays for looks that find nobody, which are much cheaper."""
DRAIN_SPREAD_MS_PER_CONNECTION = 1
"""Clients of a draining gateway come back spread over this much each, so that 5,000 do not arrive in one moment."""
DRAIN_SPREAD_MS_MAX = 5_000
DRAIN_GRACE_S = 0.05
"""Between the `drain` message and the close."""


@dataclass(frozen=True)
class GatewayServices:
    """What a gateway is given.

    Attributes:
        public_ws_url: its address as devices reach it, when that is not the host that they know with our port.
    """

    log: EventLog
    store: Store
    accounts: Accounts
    side_channel: SideChannel
    clock: Clock
    metrics: Metrics
    region: str = ""
    public_ws_url: str | None = None
    origins: frozenset[str] = field(default_factory=frozenset)
    ring_bytes_max: int = RING_BYTES_MAX
    list_items_max: int = LIST_ITEMS_MAX
    traces: Traces | None = None


class Gateway:
    """Serves sockets from `start` to `drain`."""

    def __init__(self, services: GatewayServices) -> None:
        self.log = services.log
        self.store = services.store
        self.accounts = services.accounts
        self.clock = services.clock
        self.region = services.region
        self.origins = services.origins
        self.upgrades = Upgrades(services.origins)
        self.metrics = services.metrics
        self.seldom = Seldom()
        self.ws_logger = logging.getLogger("syncd.websockets")
        self.ws_logger.setLevel(logging.CRITICAL)  # a peer's faults are counted, not logged line by line
        self.hub = Hub()
        questions = Questions(self.log, self.store, self.accounts)
        self.logins = Logins(self.accounts, questions.logins, self.clock)
        traces = services.traces
        self._publish: Publish = self._publish_plainly
        if traces is not None:
            self._publish = traced_publish(self._publish, traces, self.hub)
        self.appender = Appender(
            self.log, self.metrics, on_written=self._written, on_refused=self._append_refused,
            on_unknown=self._append_unknown, spans=None if traces is None else AppendSpans(traces),
        )  # fmt: skip
        self.tails = Tails(
            self.log, self.store, self.hub, self.metrics, self.clock,
            ring_bytes_max=services.ring_bytes_max, publish=self._publish, read=self._met, skipped=self._skipped,
            in_use=self.appender.has_under_way,
        )  # fmt: skip
        self.guards = Guards(
            self.log, self.store, questions, self.hub, self.tails, self.clock, on_roles=self.roles_changed,
            list_items_max=services.list_items_max,
        )  # fmt: skip
        self.writers = Writers(self.log, questions, self.hub, self.tails, self.appender, self.clock)
        self.catch_up = CatchUp(self.log, self.store, self.hub, wake=self._wake)
        self.views = NowViews(self.log, self.store, self.hub, self.clock)
        self.id = secrets.token_hex(6)
        self.announcements = Announcements(self.hub, self.hub.turn, online=self._online)
        self.presence = PresenceBoard(
            services.side_channel, self.clock, gateway=self.id, announce=self.announcements.tell
        )
        self._public_ws_url = services.public_ws_url
        self._owners = Owners(self.store)
        self._heartbeat: Heartbeat | None = None
        services.side_channel.listen(REVOKED_TOPIC, self._revoked)
        self._connections: set[Connection] = set()
        self._live: dict[Outbox, Conversation] = {}
        self._by_device: dict[str, tuple[Conversation, ...]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._reloading: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._empty = asyncio.Event()
        self._empty.set()
        self.draining = False
        self.loop: asyncio.AbstractEventLoop
        """That it runs in. To ask for the running one costs a system call, and a storm asks often."""

    # --- life ---

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Accept on these bound sockets, once it is sure that log and store belong together.

        Raises:
            StoreUnavailable: no answer.
            EpochChanged: the store was folded from another life of the log.
        """
        self.loop = loop = asyncio.get_running_loop()
        await self.tails.check_epochs()
        self._tasks += [
            loop.create_task(self.tails.watch()),
            loop.create_task(self.appender.run()),
            loop.create_task(self.presence.run()),
            loop.create_task(self._sweep_connections()),
            loop.create_task(self._sweep_revoked()),
            loop.create_task(self._refresh_cursors()),
        ]
        for sock in sockets:
            # The kernel gives up on a peer that vanished while we had something to send it. Sockets inherit it.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int((SEND_TIMEOUT_S + PING_TIMEOUT_S) * 1000))
            for each in (sock, *(sock.dup() for _ in range(ACCEPTED_A_TURN - 1))):
                self._servers.append(await loop.create_server(self._accept, sock=each, backlog=4096))
        port = sockets[0].getsockname()[1]
        self._heartbeat = Heartbeat(self.store, LiveGateway(self.id, self._public_ws_url, port))
        await self._heartbeat.arrive()
        self._tasks.append(loop.create_task(self._heartbeat.run()))
        self.metrics.before_scrape.append(self._measure)

    async def watch(self) -> None:
        """Return never; raise what ended one of the gateway's own tasks, none of which should end."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def drain(self) -> None:
        """Stop admitting, tell everybody, let the log answer what is under way, close."""
        self.draining = True
        self.metrics.draining = 1
        for server in self._servers:
            server.close()
        if self._heartbeat is not None:
            await self._heartbeat.leave()
        others = [each for each in await self._owners.live() if each.gateway != self.id and each.ws_url is not None]
        spread_ms = min(len(self._live) * DRAIN_SPREAD_MS_PER_CONNECTION, DRAIN_SPREAD_MS_MAX)
        for outbox, conversation in list(self._live.items()):
            if not outbox.congested:
                outbox.send(Drain(secrets.randbelow(spread_ms + 1), self._heir(conversation, others)))
        with suppress(TimeoutError):
            async with asyncio.timeout(APPEND_TIMEOUT_S):
                await self.appender.idle()
        if self._live:
            await asyncio.sleep(DRAIN_GRACE_S)
        for connection in list(self._connections):
            connection.close(close_codes.DRAINING)
        if self._connections:
            self._empty.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._empty.wait()
        for connection in list(self._connections):
            connection.abort()
        ending = [*self._tasks, *self._reloading]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await self.presence.close()
        await self.tails.close()

    def _heir(self, conversation: Conversation, others: Sequence[LiveGateway]) -> str | None:
        """The address of the gateway that inherits a device."""
        assert conversation.login is not None
        heirs = ranked(self.log.partition_of(f"a:{conversation.login.account}"), others)
        return heirs[0].ws_url if heirs else None

    def _measure(self) -> None:
        """The numbers that nobody keeps up to date between scrapes."""
        metrics = self.metrics
        metrics.deltas_sent = self.hub.deltas_sent
        metrics.subscriptions = sum(len(channel.subscriptions) for channel in self.hub.channels.values())
        metrics.ring_bytes = sum(recent.bytes for recent in self.hub.recent.values())
        metrics.outbox_bytes = sum(outbox.waiting_bytes for outbox in self._live)
        metrics.slow_readers = sum(outbox.congested for outbox in self._live)
        metrics.append_waiting = self.appender.waiting

    # --- from connections ---

    def refusal(self) -> tuple[HTTPStatus, str] | None:
        """Why no socket is given to anybody now, or None."""
        if self.draining:
            return HTTPStatus.SERVICE_UNAVAILABLE, "this gateway is draining\n"
        if len(self._connections) > CONNECTIONS_MAX:
            return HTTPStatus.SERVICE_UNAVAILABLE, f"this gateway has {CONNECTIONS_MAX} connections\n"
        return None

    def _accept(self) -> asyncio.Protocol:
        return cast(asyncio.Protocol, Connection(self))  # by its methods, which is all that loops look at

    def connection_made(self, connection: Connection) -> None:
        self._connections.add(connection)
        self.metrics.connections = len(self._connections)
        self.metrics.connections_opened += 1

    def connection_lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self.metrics.connections = len(self._connections)
        if not self._connections:
            self._empty.set()

    def conversation_live(self, conversation: Conversation) -> None:
        """A hello was answered."""
        login = conversation.login
        assert login is not None
        self._live[conversation.outbox] = conversation
        self._by_device[login.device] = (*self._by_device.get(login.device, ()), conversation)
        self.presence.arrived(conversation.own_stream, login.device)

    def conversation_closed(self, conversation: Conversation) -> None:
        self.writers.release(conversation)
        if self._live.pop(conversation.outbox, None) is None:
            return
        login = conversation.login
        assert login is not None
        others = tuple(each for each in self._by_device.pop(login.device) if each is not conversation)
        if others:
            self._by_device[login.device] = others
        self.presence.left(conversation.own_stream, login.device)

    def welcome(self, login: Login, writer: str, streams: list[StreamWelcome]) -> Welcome:
        return Welcome(writer, login.account, login.device, self.clock.now_ms(), streams, LIMITS)

    def plan(self, channel: Channel, cursor: str | None, *, wants_view: bool) -> Plan:
        """How a subscription will be served; a view needs no cells, and says `tail`."""
        return Plan("tail", 0) if wants_view else plan(self.hub, channel, cursor)

    async def digest(self, stream: str) -> Digest:
        """The digest of everything that was sent of the stream up to now, for a device to compare itself with."""
        channel = self.guards[stream].channel
        cells, offset = await self.views.cells_now(channel)
        return Digest(stream, channel.cursor(offset), digest_of(cells), len(cells))

    def roles_changed(self, guard: Guard) -> None:
        """Subscriptions of those who may not listen any more end."""
        for subscription in list(guard.channel.subscriptions):
            conversation = self._conversation(subscription.sink)
            assert conversation is not None
            assert conversation.login is not None
            if not guard.may_subscribe(conversation.login.account):
                conversation.role_lost(guard.stream)

    # --- from the log ---

    def _written(self, partition: int, offset_start: int, pendings: Sequence[Pending]) -> bool:
        """Our append was answered: publish, unless somebody else's records come first; then the tail will."""
        entries = [pending.entry for pending in pendings]
        origins = [pending.origin for pending in pendings]
        durable_s, sent = time.monotonic(), self.hub.deltas_sent
        is_published = self.tails.of(partition).appended(offset_start, entries, origins)
        self.hub.turn.end()
        if is_published and self.hub.deltas_sent > sent:
            self.metrics.commit_to_delta_seconds.observe(time.monotonic() - durable_s)
        return is_published

    def _publish_plainly(self, partition: int, entries: Sequence[Entry], origins: Sequence[Origin | None]) -> None:
        """Durable records, in log order: the ledgers learn, subscribers get the deltas, the origins their acks."""
        note_all(self.writers.ledgers, entries)
        self.hub.publish(partition, entries, origins)

    def _met(self, partition: int, entry: Entry) -> None:
        """The tail met a durable record: another gateway's, one of a server, or our own that it read first."""
        if entry.kind == REBUILT:
            self.hub.publish_rebuilt(partition, entry)
            self._rebuilt(entry.stream)
            return
        pending = self.appender.take(entry)
        self._publish(partition, [entry], [None if pending is None else pending.origin])
        if entry.kind == "device.revoked":
            for key in entry.cells:
                self._revoked(key.split("/")[1])

    def _skipped(self, record: LoggedRecord) -> None:
        """A durable record that nobody here can read: its seq is used all the same."""
        ledger = self.writers.ledgers.get(record.writer)
        if ledger is not None:
            ledger.reached_unread(record)

    def _rebuilt(self, stream: str) -> None:
        """A stream's cells are being swapped: who listens reads them, and what we know of them is learned anew."""
        channel = self.hub.channels.get(stream)
        if channel is not None:
            self._wake(channel)
            task = asyncio.get_running_loop().create_task(self._reload(stream), name=f"reload {stream}")
            self._reloading.add(task)
            task.add_done_callback(self._reloading.discard)

    def _wake(self, channel: Channel) -> None:
        """Serve those subscribers who are behind, but for slow readers, who come by themselves."""
        for subscription in channel.subscriptions:
            if subscription.state is SubscriptionState.BEHIND and not subscription.sink.congested:
                conversation = self._conversation(subscription.sink)
                if conversation is not None:
                    conversation.drained()

    async def _reload(self, stream: str) -> None:
        while stream in self.hub.channels:
            try:
                await self.guards.reload(stream)
                await self.views.reload(stream)
                return
            except (Unavailable, PositionLost) as error:
                log.warning("reload_waits", code=error.code)
                await asyncio.sleep(RELOAD_PAUSE_S)

    def _append_refused(self, pendings: Sequence[Pending], reason: str) -> None:
        """Nothing was written. Whatever the same connections have waiting behind it would leave a gap: it goes too."""
        log.warning("append_refused", records=len(pendings), reason=reason)
        by_origin: dict[Conversation, list[Pending]] = defaultdict(list)
        for pending in pendings:
            by_origin[pending.origin].append(pending)
        for origin, mine in by_origin.items():
            origin.unavailable([*mine, *self.appender.withdraw(origin)], reason)

    def _append_unknown(self, pendings: Sequence[Pending]) -> None:
        """Nobody knows. Answer nothing, and let the devices come back; what we believed of their writers goes with the
        connections, and is loaded anew."""
        log.warning("append_unknown", records=len(pendings))
        for origin in {pending.origin for pending in pendings}:
            self.appender.withdraw(origin)
            origin.end(close_codes.UNAVAILABLE)
        for pending in pendings:
            self.writers.distrust(pending.record.writer)

    # --- from the side ---

    def _conversation(self, sink: Sink) -> Conversation | None:
        assert isinstance(sink, Outbox)
        return self._live.get(sink)

    def _online(self, stream: str) -> list[Presence]:
        return self.presence.online(stream)

    def _revoked(self, device: str) -> None:
        self.logins.revoked(device)
        for conversation in self._by_device.get(device, ()):
            conversation.end(close_codes.LOGIN_REVOKED)

    async def _sweep_revoked(self) -> None:
        """Ask for revoked devices, in case the side channel lost the news."""
        while True:
            await asyncio.sleep(REVOCATION_POLL_S)
            try:
                for device in await self.logins.sweep(self._by_device):
                    self._revoked(device)
            except Unavailable as error:
                log.warning("revocations_unknown", code=error.code)

    async def _sweep_connections(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_SWEEP_S)
            now_s = asyncio.get_running_loop().time()
            for connection in list(self._connections):
                connection.keep_alive(now_s)
            self.forget_left(self.clock.monotonic_s())

    def forget_left(self, now_s: float) -> None:
        """Let go of what was kept for devices that have not come back. `now_s`: the clock's monotonic time."""
        self.writers.sweep(now_s)
        self.guards.sweep(now_s)

    async def _refresh_cursors(self) -> None:
        """Idle streams get fresh cursors, a hundredth of them at a time so that no loop turn is long."""
        slices = 100
        while True:
            channels = list(self.hub.channels.values())
            for index in range(slices):
                await asyncio.sleep(CURSOR_REFRESH_S / slices)
                self.hub.refresh_cursors(channels[index::slices])

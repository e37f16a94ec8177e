"""What a device and a gateway say to each other over one connection, from hello to the end.

    hello, welcome -> every stream catches up -> (identify) -> own events leave, deltas and answers come

One task reads, one writes, one watches the clock. All of them end together, with the reason as an exception.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from syncd.client.change import Refusal
from syncd.client.errors import StoreBusy, WriterLost
from syncd.client.link import Link, LinkClosed
from syncd.client.lists import Lists
from syncd.client.local_state import LocalState
from syncd.client.own_event import OwnEvent
from syncd.client.race import until_first_ends
from syncd.client.reissue import Reissue
from syncd.client.renaming import Login
from syncd.client.sending import Sending, wire_event
from syncd.errors import Unavailable
from syncd.limits import SUBSCRIPTIONS_MAX
from syncd.protocol import close_codes
from syncd.protocol.client_session import ANSWER_TIMEOUT_S, OWN_STREAM, ClientSession, Heard, Replaced, StreamState
from syncd.protocol.codec import Codec
from syncd.protocol.messages import (
    Ack,
    Delta,
    Digest,
    Drain,
    Hello,
    Nack,
    Pong,
    StreamClaim,
    Subscribe,
    Welcome,
)

TICK_S = 1.0
"""How often the clock is looked at: overdue answers, the next measurement, a machine that slept."""
SLEPT_S = 15.0
"""A tick that comes this late means that the machine slept: ask at once whether the connection still stands."""
FLUSH_S = 0.05
"""How long confirmed changes may wait for the disk, so that a burst of deltas is one transaction."""
READ_RUN_MAX = 64
"""Messages handled in a row before other tasks get their turn."""


class Listener(Protocol):
    """Who wants to know how a conversation goes. Called from its tasks; be quick."""

    def said(self, heard: Heard) -> None:
        """Something came, and was taken in."""

    def stepped(self) -> None:
        """Streams may have caught up, or own events been answered."""

    def refused(self, refusal: Refusal) -> None:
        """An own event was refused for good."""

    def wanted(self) -> Iterable[str]:
        """The streams to be subscribed to, the most important first."""


class Conversation:
    """See the module's first lines.

    Attributes:
        drain: what the server asked for before it goes down.
    """

    def __init__(
        self, state: LocalState, lists: Lists, link: Link, codec: Codec, listener: Listener, *, rng: random.Random
    ) -> None:
        self.drain: Drain | None = None
        self._state = state
        self._link = link
        self._codec = codec
        self._listener = listener
        self._session = ClientSession(codec)
        self._sending = Sending(state.outbox, self._session, rng)
        self._reissue = Reissue(state, lists)
        self._login: Login | None = None
        self._live_since_s = 0.0
        self._to_say: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._hello_sent_ms = 0
        self._barrier_ms: int | None = None
        self._leave_at_s = float("inf")
        self._digests: dict[str, list[asyncio.Future[Digest]]] = {}
        self._flush: asyncio.TimerHandle | None = None

    async def run(self, *, token: str, client: str, with_writer: bool) -> None:
        """Talk until the connection ends, which it always does with one of the following.

        Args:
            with_writer: False asks for a fresh one.

        Raises:
            LinkClosed: the connection ended; its code says what to do next.
            WriterLost: come back without the writer.
            OtherAccount: the store belongs to another account than the token.
            ProtocolError, PositionLost: the server said what cannot be.
            StoreBusy: the local store takes nothing.
        """
        try:
            self._say_hello(token, client, with_writer=with_writer)
            self._state.leaves_now = lambda stream: self._sending.leaves_now(stream, now_s=self._now_s())
            await until_first_ends(self._read(), self._write(), self._watch())
        finally:
            self._state.leaves_now = lambda stream: False
            self._session.close()
            self._end_digests()
            if self._flush is not None:
                self._flush.cancel()
            await self._link.close()

    def wake(self) -> None:
        """There is something new to send, or another stream is wanted."""
        self._wake.set()

    @property
    def lived_s(self) -> float | None:
        """How long ago the welcome came; None when it did not."""
        return None if self._login is None else self._now_s() - self._live_since_s

    @property
    def drain_wait_s(self) -> float:
        """How long the server wants us to stay away from now on, after it said that it goes down."""
        return max(0.0, self._leave_at_s - self._now_s())

    @property
    def is_sending(self) -> bool:
        """Whether own events leave: all that is owed was in step, and we know who we are."""
        return self._sending.begun

    def state_of(self, stream: str) -> StreamState | None:
        """How far a stream has come on this connection; None when it was not asked for."""
        return self._session.streams.get(stream)

    async def digest(self, stream: str) -> Digest:
        """The server's digest of a stream.

        Raises:
            Unavailable: the stream is not in step, or the connection ended before the answer.
        """
        if self.state_of(stream) is not StreamState.LIVE:
            raise Unavailable(f"stream {stream} is not in step with the server")
        answer: asyncio.Future[Digest] = asyncio.get_running_loop().create_future()
        self._digests.setdefault(stream, []).append(answer)
        self._say(self._session.digest(stream, now_s=self._now_s()))
        return await answer

    def take_again(self, stream: str) -> None:
        """Drop the stream's cursor, and have the whole of it sent again."""
        self._state.drop_cursor(stream)
        self._say(self._session.unsubscribe(stream))
        self._subscribe()

    # --- the three tasks ---

    async def _read(self) -> None:
        run = 0
        while True:
            heard = self._session.receive(await self._link.receive())
            if heard is not None:
                self._take(heard)
                self._listener.said(heard)
            self._step()
            self._wake.set()
            run += 1
            if run % READ_RUN_MAX == 0:
                await asyncio.sleep(0)  # receive() may return at once for as long as messages wait

    async def _write(self) -> None:
        while True:
            while self._to_say:
                await self._link.send(self._to_say.popleft())
            batch = self._next_batch()
            if batch:
                events = [wire_event(event, self._codec) for event in batch]
                await self._link.send(self._session.emit(events, now_s=self._now_s()))
            elif not self._to_say:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._sending.wait_s(now_s=self._now_s())):
                        await self._wake.wait()
                self._wake.clear()
                self._step()

    def _next_batch(self) -> list[OwnEvent]:
        """What leaves now, marked as sent on the disk before it does."""
        with self._state.lock:
            batch = self._sending.next(now_s=self._now_s())
            self._state.mark_sent(batch)
            return batch

    async def _watch(self) -> None:
        last_s = self._now_s()
        while True:
            await asyncio.sleep(TICK_S)
            now_s = self._now_s()
            overdue = self._session.overdue(now_s=now_s)
            if overdue is not None:
                raise LinkClosed(close_codes.ABNORMAL.code, f"no answer to {overdue[0]} for {ANSWER_TIMEOUT_S:.0f} s")
            if self._login is not None and (self._state.time.is_stale or now_s - last_s > SLEPT_S):
                self._ping()
            if now_s >= self._leave_at_s:
                raise LinkClosed(close_codes.DRAINING.code, close_codes.DRAINING.reason)
            last_s = now_s

    # --- what the server said ---

    def _take(self, heard: Heard) -> None:
        match heard:
            case Welcome():
                self._welcomed(heard)
            case Delta():
                self._state.heard(heard)
            case Replaced():
                self._state.replaced(heard)
            case Ack():
                for item in heard.items():
                    event = self._state.acked(item, assembling=self._session.assembling(item.stream))
                    if event is not None and not item.seen:
                        self._session.confirm(item.stream, event.cells)
                    self._sending.answered(item.stream)
            case Nack():
                self._refused(heard)
            case Pong():
                self._state.time.measure(sent_ms=heard.sent_ms, server_ms=heard.now_ms)
                if heard.sent_ms == self._barrier_ms:
                    self._barrier_ms = None
            case Digest():
                for answer in self._digests.pop(heard.stream, ()):
                    if not answer.done():
                        answer.set_result(heard)
            case Drain():
                self.drain = heard
                self._leave_at_s = self._now_s() + heard.reconnect_after_ms / 1_000
            case _:
                pass  # errors, presence and ended subscriptions are the listener's to judge
        if self._state.has_unsaved and self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(FLUSH_S, self._flush_now)

    def _welcomed(self, welcome: Welcome) -> None:
        self._state.check_account(welcome.account)
        self._state.time.measure(sent_ms=self._hello_sent_ms, server_ms=welcome.now_ms)
        self._login = Login(welcome.writer, welcome.device, welcome.account)
        self._live_since_s = self._now_s()
        is_fresh = self._state.header.writer != welcome.writer
        must_know_all = (is_fresh and len(self._state.outbox)) or self._reissue.misses_places()
        if must_know_all and any(stream.resume == "tail" for stream in welcome.streams):
            # Before anything is renumbered, or made again elsewhere, we must know all that the server has. Snapshots
            # and cells say when they are complete; a tail does not, but what is answered to this comes after it.
            self._barrier_ms = self._ping()

    def _refused(self, nack: Nack) -> None:
        match nack.reason:
            case "gap":
                owed = self._state.outbox
                if nack.stream in owed.streams() and owed.find(nack.stream, nack.expect or 0) is None:
                    raise WriterLost(f"the server expects {nack.stream} {nack.expect}, which is not held any more")
            case "unavailable":
                self._sending.unavailable(nack.stream, now_s=self._now_s())
            case "revoked":
                self._sending.begun = False  # the socket will close with 4201; what is pending stays
            case _:
                refusal = self._reissue.refused(nack)
                if refusal is not None:
                    self._listener.refused(refusal)

    # --- what we say ---

    def _say_hello(self, token: str, client: str, *, with_writer: bool) -> None:
        header = self._state.header
        writer = header.writer if with_writer else None
        was_welcomed = header.account is not None
        self._hello_sent_ms = self._state.time.monotonic_ms()
        hello = Hello(
            token=token,
            nonce=header.nonce,
            client=client,
            now_ms=self._state.time.wall_ms(),
            streams=[self._claim(stream) for stream in self._wanted()],
            writer=writer if was_welcomed else None,
            proposal=None if was_welcomed else writer,
        )
        self._say(self._session.hello(hello, now_s=self._now_s()))

    def _claim(self, stream: str) -> StreamClaim:
        replica = self._state.replicas.get(stream)
        return StreamClaim(stream, replica.cursor, replica.last_seq or None)

    def _wanted(self) -> list[str]:
        """What to be subscribed to: the listener's streams, and those that own events wait for."""
        wanted = dict.fromkeys([OWN_STREAM, *sorted(self._state.outbox.streams()), *self._listener.wanted()])
        return list(wanted)[:SUBSCRIPTIONS_MAX]

    def _step(self) -> None:
        """Go on as far as we can: subscribe to what is wanted, and begin to send once all that is owed is in step."""
        if self._login is None:
            return
        self._subscribe()
        if not self._sending.begun and self._barrier_ms is None:
            owed = self._state.outbox.streams()
            if all(self.state_of(stream) in (StreamState.LIVE, StreamState.REFUSED) for stream in owed):
                self._state.identify(self._login)
                for refusal in self._reissue.rehome():
                    self._listener.refused(refusal)
                self._sending.begin()
        self._listener.stepped()

    def _subscribe(self) -> None:
        wanted = self._wanted()
        asked = self._session.streams
        for stream in wanted:
            if stream not in asked:
                claim = self._claim(stream)
                subscribe = Subscribe(claim.stream, claim.cursor, claim.last_seq)
                self._say(self._session.subscribe(subscribe, now_s=self._now_s()))
        for stream in [stream for stream in asked if stream not in wanted]:
            self._say(self._session.unsubscribe(stream))

    def _ping(self) -> int:
        sent_ms = self._state.time.monotonic_ms()
        self._say(self._session.ping(sent_ms, now_s=self._now_s()))
        return sent_ms

    def _say(self, payload: bytes) -> None:
        self._to_say.append(payload)
        self._wake.set()

    # --- inside ---

    def _now_s(self) -> float:
        return self._state.time.monotonic_ms() / 1_000

    def _flush_now(self) -> None:
        self._flush = None
        try:
            self._state.flush()
        except StoreBusy:
            # Nothing is lost: the cursor on the disk is behind the cells there, and the next flush takes it all.
            self._flush = asyncio.get_running_loop().call_later(TICK_S, self._flush_now)

    def _end_digests(self) -> None:
        answers, self._digests = self._digests, {}
        for answer in (answer for of_stream in answers.values() for answer in of_stream):
            if not answer.done():
                answer.set_exception(Unavailable("the connection ended before the server told its digest"))

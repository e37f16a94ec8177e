"""Keeps a device connected: when to try, as whom, and what to do after each end.

    STANDBY --lock of the store--> CONNECTING --welcome, all in step--> CONNECTED
    CONNECTING, CONNECTED --the connection ended--> OFFLINE --backoff--> CONNECTING
    (any) --42xx--> LOGIN_NEEDED --renew()--> CONNECTING
    (any) --45xx, another account--> STOPPED        (any) --close()--> CLOSED

Source: design.md section 6, close codes.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from enum import Enum

from syncd.client.backoff import Backoff
from syncd.client.conversation import Conversation, Listener
from syncd.client.errors import OtherAccount, StoreBusy, WriterLost
from syncd.client.link import Connect, LinkClosed
from syncd.client.lists import Lists
from syncd.client.local_state import LocalState
from syncd.client.ownership import Ownership
from syncd.client.race import until_first_ends
from syncd.client.route import Route
from syncd.errors import ConfigError, LoginExpired, PositionLost, ProtocolError, SyncdError, Unavailable
from syncd.protocol.close_codes import Then, then
from syncd.protocol.codec import Codec

STANDBY_POLL_S = 0.25
"""How often a process that does not hold the socket looks whether it may, and what the other one has written."""
FOREIGN_POLL_S = 0.1
"""How often the one that does looks for events that others have added to the store; a look costs 2 us."""


class DeviceState(Enum):
    """See the module's picture."""

    STANDBY = "standby"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    OFFLINE = "offline"
    LOGIN_NEEDED = "login needed"
    STOPPED = "stopped"
    CLOSED = "closed"


class Connector:
    """See the module's first lines.

    Attributes:
        state: where it stands.
        error: why the last connection ended, or could not be made; None while there was none.
        conversation: the present one.
    """

    def __init__(
        self,
        local: LocalState,
        lists: Lists,
        listener: Listener,
        *,
        url: str,
        token: str,
        client: str,
        codec: Codec,
        connect: Connect,
        ownership: Ownership,
        rng: random.Random,
        on_state: Callable[[], None],
    ) -> None:
        self.state = DeviceState.CONNECTING
        self.error: SyncdError | None = None
        self.conversation: Conversation | None = None
        self._local = local
        self._lists = lists
        self._listener = listener
        self._route = Route(url)
        self._token = token
        self._client = client
        self._codec = codec
        self._connect = connect
        self._ownership = ownership
        self._rng = rng
        self._on_state = on_state
        self._backoff = Backoff(rng)
        self._with_writer = True
        self._hurry = asyncio.Event()
        self._allowed = asyncio.Event()
        self._allowed.set()

    async def run(self) -> None:
        """Stay connected until cancelled, or until coming back makes no sense."""
        await self._own_the_store()
        await until_first_ends(self._stay_connected(), self._notice_foreign())

    def renew(self, token: str) -> None:
        """Go on with another token of the same account."""
        self._token = token
        if self.state is DeviceState.LOGIN_NEEDED:
            self._allowed.set()

    def hurry(self) -> None:
        """Try now: the network came back, or somebody is waiting."""
        self._hurry.set()

    def caught_up(self) -> None:
        """Everything that is wanted is in step."""
        if self.state is DeviceState.CONNECTING:
            self._become(DeviceState.CONNECTED)

    def closed(self) -> None:
        """The device is closed."""
        self._become(DeviceState.CLOSED)

    # --- inside ---

    def _become(self, state: DeviceState) -> None:
        if state is not self.state:
            self.state = state
            self._on_state()

    async def _own_the_store(self) -> None:
        """Wait for the lock of the store; meanwhile show what the process that holds it writes."""
        while not self._ownership.acquire():
            self._become(DeviceState.STANDBY)
            if self._local.changed_elsewhere():
                self._local.reload()
                self._listener.stepped()
            await asyncio.sleep(STANDBY_POLL_S)
        if self.state is DeviceState.STANDBY:
            self._local.reload()

    async def _notice_foreign(self) -> None:
        """Send what other processes add to the store."""
        is_news = False
        while True:
            await asyncio.sleep(FOREIGN_POLL_S)
            with contextlib.suppress(StoreBusy):  # one of them is just writing: look again
                is_news = self._local.changed_elsewhere() or is_news
                if is_news:
                    self._local.adopt_foreign()
                    is_news = False
                    if self.conversation is not None:
                        self.conversation.wake()

    async def _stay_connected(self) -> None:
        while self.state is not DeviceState.STOPPED:
            await self._once()

    async def _once(self) -> None:
        """One connection, from the attempt to its end, and the wait before the next."""
        self._become(DeviceState.CONNECTING)
        wait_s = None
        try:
            link = await self._connect(await self._route.next(self._token), self._codec)
            conversation = Conversation(self._local, self._lists, link, self._codec, self._listener, rng=self._rng)
            self.conversation = conversation
            try:
                await conversation.run(token=self._token, client=self._client, with_writer=self._with_writer)
            finally:
                self.conversation = None
                if conversation.lived_s is not None:
                    self._with_writer = True
                    self._backoff.steady(conversation.lived_s)
                    self._route.worked()
                if conversation.drain is not None:
                    self._route.advise(conversation.drain.url)
                    wait_s = conversation.drain_wait_s
        except (OtherAccount, ConfigError) as error:
            self._stop(error)
            return
        except WriterLost as error:
            self.error = error
            self._with_writer = False
        except LinkClosed as error:
            self.error = error
            if not await self._after_close(error):
                return
        except (Unavailable, PositionLost, ProtocolError) as error:
            self.error = error
        self._become(DeviceState.OFFLINE)
        await self._pause(self._backoff.next_s() if wait_s is None else wait_s)

    async def _after_close(self, closed: LinkClosed) -> bool:
        """Do what a close code asks for; False when there is no coming back."""
        match then(closed.close):
            case Then.SNAPSHOT:
                self._drop_cursors()
            case Then.RENEW_WRITER:
                self._drop_cursors()
                self._with_writer = False
            case Then.RENEW_LOGIN:
                self.error = LoginExpired(str(closed))
                self._allowed.clear()
                self._become(DeviceState.LOGIN_NEEDED)
                await self._allowed.wait()
            case Then.STAY_AWAY:
                self._stop(ProtocolError(str(closed)))
                return False
            case Then.RESUME:
                pass
        return True

    def _drop_cursors(self) -> None:
        for replica in self._local.replicas:
            self._local.drop_cursor(replica.stream)

    def _stop(self, error: SyncdError) -> None:
        self.error = error
        self._become(DeviceState.STOPPED)

    async def _pause(self, wait_s: float) -> None:
        self._hurry.clear()
        try:
            async with asyncio.timeout(wait_s):
                await self._hurry.wait()
        except TimeoutError:
            return

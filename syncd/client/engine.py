"""What a device is made of, and what keeps it going; `Device` on asyncio and `sync.Device` put their words on it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from syncd import __version__
from syncd.client.adoption import adopt_if_free
from syncd.client.change import Change, Refusal
from syncd.client.clocks import DeviceClock, SystemDeviceClock
from syncd.client.connector import Connector, DeviceState
from syncd.client.context import Contexts, Radio
from syncd.client.errors import NotReady, NotSettled
from syncd.client.face import Face
from syncd.client.link import Connect
from syncd.client.local_state import LocalState
from syncd.client.ownership import Ownership
from syncd.client.store import LocalStore
from syncd.client.websocket_link import connect_websocket
from syncd.errors import SyncdError, Unavailable
from syncd.limits import SUBSCRIPTIONS_MAX
from syncd.protocol.client_session import OWN_STREAM, Heard, StreamState
from syncd.protocol.codec import CODECS
from syncd.protocol.messages import Error, Presence
from syncd.protocol.version import SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK

VERIFY_POLL_S = 0.2
"""Between two comparisons of digests while changes are still under way."""
_SUBPROTOCOLS = {"json": SUBPROTOCOL_JSON, "msgpack": SUBPROTOCOL_MSGPACK}


@dataclass(frozen=True, slots=True)
class Verified:
    """A comparison of one stream, here and at the server. `cells`: how many the server has."""

    stream: str
    ours: str
    theirs: str
    cells: int

    @property
    def agrees(self) -> bool:
        """Whether both hold the same cells."""
        return self.ours == self.theirs


class Engine(Face):
    """A device: everything an app sees of it, and the task that keeps it connected."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        store: str | None = None,
        format: Literal["json", "msgpack"] = "msgpack",
        client: str = f"syncd-python/{__version__}",
        contexts: Contexts | None = None,
        radio: Radio | None = None,
        connect: Connect = connect_websocket,
        clock: DeviceClock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Open the store; nothing is connected yet.

        Args:
            url: `ws://host:port/v1/sync` (`wss://…`), or `http://host:port` (`https://…`) of a server that is asked for
                the best gateway before each connection.
            token: of the device, as `syncd device link` prints it.
            store: a file; None keeps everything in memory, and forgets it.
            format: of the wire.
            client: name and version of the program, for the server's logs.
            contexts: what the app plays from, if not playlists and lists of tracks; see `syncd.client.context`.
            radio: what to play when nothing is left.
            connect, clock, rng: ports, for tests.

        Raises:
            ConfigError: `store` is not a store of ours, or `url` is of neither kind.
            StoreBusy: another process holds it.
        """
        state = LocalState(LocalStore(store), clock or SystemDeviceClock())
        super().__init__(state, contexts=contexts, radio=radio, is_connected=self._is_listened_to)
        self._ownership = Ownership(store)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self._in_step = False
        self._was_in_step = False
        self._on_message: list[Callable[[Heard], None]] = []
        self._connector = Connector(
            state,
            self._lists,
            _Ear(self),
            url=url,
            token=token,
            client=client,
            codec=CODECS[_SUBPROTOCOLS[format]],
            connect=connect,
            ownership=self._ownership,
            rng=rng or random.Random(),
            on_state=self._state_changed,
        )
        state.replicas.watch(self._changed)

    # --- the connection ---

    @property
    def state(self) -> DeviceState:
        """Where the connection stands; see `syncd.client.connector`."""
        return self._connector.state

    @property
    def connected(self) -> bool:
        """Whether this device is in step with the server, as far as it knows."""
        return self.state is DeviceState.CONNECTED

    @property
    def error(self) -> SyncdError | None:
        """Why the last connection ended, or could not be made."""
        return self._connector.error

    def renew(self, token: str) -> None:
        """Go on with another token of the same account, after the state `LOGIN_NEEDED`."""
        self._connector.renew(token)

    def hurry(self) -> None:
        """Try to connect now: the network came back."""
        self._connector.hurry()

    def on_message(self, callback: Callable[[Heard], None]) -> Callable[[], None]:
        """Call `callback` with every message of the server that was taken in. Returns what ends that."""
        self._on_message.append(callback)
        return lambda: self._on_message.remove(callback) if callback in self._on_message else None

    def take_again(self, stream: str = OWN_STREAM) -> None:
        """Have the whole of one stream sent again, as when `verify` finds it different for no reason you know of."""
        name = self._state.replicas.get(stream).stream
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._take_again_here, name)

    # --- for the lifecycles ---

    def _start(self) -> None:
        """Begin to stay connected, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._state.on_owed = self._wake
        self._running = self._loop.create_task(self._run())

    async def _stop(self) -> None:
        """Disconnect, and close the store. Twice is harmless."""
        running, self._running = self._running, None
        try:
            if running is not None:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
        finally:
            self._loop = None
            self._state.on_owed = lambda: None
            try:
                self._state.close()
            finally:
                self._ownership.release()
                self._connector.closed()

    async def _ready(self, timeout_s: float) -> None:
        def is_ready() -> bool:
            has_state = self._state.replicas.get(OWN_STREAM).cursor is not None
            return self._was_in_step or (self.state is DeviceState.STANDBY and has_state)

        await self._wait(is_ready, NotReady, "the device is not in step with the server", timeout_s)

    async def _settled(self, timeout_s: float) -> None:
        await self._wait(lambda: not self.owed, NotSettled, "own events have no answer yet", timeout_s)

    async def _until(self, condition: Callable[[], bool], timeout_s: float | None) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._moved.clear()
                await self._moved.wait()

    async def _verify(self, stream: str, timeout_s: float) -> Verified:
        stream = self._state.replicas.get(stream).stream
        found: Verified | None = None
        error: Unavailable | None = None
        try:
            async with asyncio.timeout(timeout_s):
                while found is None or not found.agrees:
                    try:
                        found = await self._compare(stream)
                    except Unavailable as failure:
                        error = failure
                    if found is None or not found.agrees:
                        await asyncio.sleep(VERIFY_POLL_S)
        except TimeoutError:
            if found is None:
                raise Unavailable(f"no digest of {stream} within {timeout_s:g} s: {error or self.error}") from error
        return found

    # --- inside ---

    async def _run(self) -> None:
        try:
            await self._connector.run()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the outer wall of the device's one task
            self._report(error)
            raise

    async def _compare(self, stream: str) -> Verified:
        conversation = self._connector.conversation
        if conversation is None:
            raise Unavailable("not connected")
        theirs = await conversation.digest(stream)
        return Verified(stream, self.digest(stream), theirs.digest, theirs.cells)

    async def _wait(
        self, condition: Callable[[], bool], failure: type[Unavailable], what: str, timeout_s: float
    ) -> None:
        def is_over() -> bool:
            return condition() or self.state in _HOPELESS or self._has_failed

        try:
            await self._until(is_over, timeout_s)
        except TimeoutError as error:
            raise failure(f"{what} after {timeout_s:g} s: {self._why()}") from error
        if not condition():
            raise failure(f"{what}: {self._why()}")

    @property
    def _has_failed(self) -> bool:
        return self._running is None or self._running.done()

    def _why(self) -> str:
        return f"{self.state.value}, {self.error}" if self.error is not None else self.state.value

    def _wake(self) -> None:
        """There is something new to send. May be called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake_here)

    def _take_again_here(self, stream: str) -> None:
        if self._connector.conversation is None:
            self._state.drop_cursor(stream)
        else:
            self._connector.conversation.take_again(stream)

    def _wake_here(self) -> None:
        conversation = self._connector.conversation
        if conversation is not None:
            conversation.wake()

    def _changed(self, change: Change) -> None:
        """Something shows differently; may happen in any thread, under the state's lock."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._tell, self._on_change, change)

    def _tell(self, callbacks: list[Callable[[Any], None]], what: Any) -> None:
        self._moved.set()
        for callback in list(callbacks):
            try:
                callback(what)
            except Exception as error:  # an app's mistake must not end the connection; the loop's handler shows it
                self._report(error)

    def _report(self, error: Exception) -> None:
        assert self._loop is not None
        self._loop.call_exception_handler({"message": "in a device of syncd", "exception": error})

    def _is_listened_to(self) -> bool:
        """Whether what is made here leaves at once: through our connection, or that of the process that holds one."""
        return self.connected or self._ownership.is_holder_connected()

    def _state_changed(self) -> None:
        self._moved.set()
        self._ownership.tell(connected=self.connected)
        if self.state is not DeviceState.CONNECTED:
            self._in_step = False
            self._presence.clear()

    def _stepped(self) -> None:
        """Streams may have caught up, or own events been answered."""
        self._moved.set()
        conversation = self._connector.conversation
        if conversation is None:
            return
        if not self._in_step:
            wanted = [OWN_STREAM, *self._wanted()][:SUBSCRIPTIONS_MAX]
            states = [conversation.state_of(stream) for stream in wanted]
            if all(state in (StreamState.LIVE, StreamState.REFUSED) for state in states) and conversation.is_sending:
                self._in_step = self._was_in_step = True
                self._connector.caught_up()
                adopt_if_free(self.player)
        else:
            self._fenced.check()

    def _heard(self, heard: Heard) -> None:
        if isinstance(heard, Presence) and heard.stream == OWN_STREAM:
            if heard.online:
                self._presence[heard.device] = heard
            else:
                self._presence.pop(heard.device, None)
        elif isinstance(heard, Error):
            self._connector.error = Unavailable(f"{heard.code}: {heard.message}")
        self._tell(self._on_message, heard)


_HOPELESS = (DeviceState.LOGIN_NEEDED, DeviceState.STOPPED, DeviceState.CLOSED)


class _Ear:
    """What the conversation tells a device; see `conversation.Listener`."""

    def __init__(self, device: Engine) -> None:
        self._device = device

    def said(self, heard: Heard) -> None:
        self._device._heard(heard)

    def stepped(self) -> None:
        self._device._stepped()

    def refused(self, refusal: Refusal) -> None:
        self._device._tell(self._device._on_refused, refusal)

    def wanted(self) -> Iterable[str]:
        return self._device._wanted()

"""A device of the SDK that works without a break, the listener at it, and what it was told that it should not be."""

from __future__ import annotations

import asyncio
import random
import time

from syncd.accounts import LinkedDevice
from syncd.client import Device, DeviceState
from syncd.client.link import Link
from syncd.client.websocket_link import connect_websocket
from syncd.protocol.client_session import Heard, Replaced
from syncd.protocol.codec import Codec
from syncd.protocol.messages import Delta
from syncd.testing.listener import ACTIONS, CONTROLS, Listener
from syncd.testing.recorded_acks import AckBook

PAUSE_S_MEAN = 1.0
"""Between two actions."""
KINDS = sorted(ACTIONS.keys() - CONTROLS - {"shuffles"})
"""Nothing that may be refused: every event has to arrive."""


class WorkingDevice:
    """See the module's first line. Nothing about it hurries: it comes back as the SDK does.

    Attributes:
        linked_at_s, linked_url: when and where the newest connection was opened.
        deltas: live deltas of others' events that came.
        problems: what broke a promise, as sentences.
    """

    def __init__(self, name: str, url: str, login: LinkedDevice, *, rng: random.Random, book: AckBook) -> None:
        self.name = name
        self.login = login
        self.linked_at_s = 0.0
        self.linked_url = ""
        self.deltas = 0
        self.problems: list[str] = []
        self.device = Device(url, login.token, format=rng.choice(("json", "msgpack")), connect=self._connect)
        self.listener = Listener(self.device, rng=rng, name=name)
        self._rng = rng
        self._offset = 0
        book.watch(name, self.device)
        self.device.on_message(self._heard)

    async def work(self) -> None:
        """Until cancelled, connected or not."""
        while True:
            await asyncio.sleep(self._rng.uniform(0, 2 * PAUSE_S_MEAN))
            self.listener.does_something(KINDS)

    def hurry(self) -> None:
        """Try to connect now."""
        if self.device.state is DeviceState.OFFLINE:
            self.device.hurry()

    async def _connect(self, url: str, codec: Codec) -> Link:
        link = await connect_websocket(url, codec)
        self.linked_at_s, self.linked_url = time.monotonic(), url
        return link

    def _heard(self, heard: Heard) -> None:
        if isinstance(heard, Replaced):
            self._offset = 0
        elif isinstance(heard, Delta):
            if heard.by is not None:
                self.deltas += 1
                if heard.by.account != self.login.account:
                    self.problems.append(f"{self.name} of {self.login.account} heard {heard.by}")
            if heard.cursor is not None:
                offset = int(heard.cursor.rpartition(".")[2])
                if offset < self._offset:
                    self.problems.append(f"{self.name}: the cursor fell from {self._offset} to {offset}")
                self._offset = offset

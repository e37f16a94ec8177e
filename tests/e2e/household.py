"""Devices of one account, each behind a bad network of its own, as a test drives them.

They live on an event loop in a thread, so that they go on by themselves between two steps of a test.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import sqlite3
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from syncd.accounts import LinkedDevice
from syncd.bootstrap import open_deployment
from syncd.client import Device, DeviceState
from syncd.client.playlist import new_playlist_id
from syncd.model.cells import Cell, Cells
from syncd.model.ids import ItemId
from syncd.model.views.lists import list_view
from syncd.model.views.plays import consumed
from syncd.testing.listener import Listener
from syncd.testing.lossy_proxy import LossyProxy
from syncd.testing.patience import until
from syncd.testing.quiet import state_of_store, until_projected
from syncd.testing.recorded_acks import AckBook, doubles
from syncd.testing.server_process import ServerProcess

T = TypeVar("T")
STEP_TIMEOUT_S = 150.0
"""For anything a test waits for; a restart of the server is the longest of them."""
SETTLE_TIMEOUT_S = 60.0
WireFormat = Literal["json", "msgpack"]


@dataclass
class Member:
    """One device, its network and its listener.

    Attributes:
        backup: how many tracks had been added when the backup of the store was made; None when there is none.
        may_be_lost: tracks that were added after a backup which was restored later.
        restored: whether its store was, and has not been online with nothing to send since.
    """

    login: LinkedDevice
    store: Path
    format: WireFormat
    network: LossyProxy
    device: Device
    listener: Listener
    backup: int | None = None
    may_be_lost: set[str] = field(default_factory=set)
    restored: bool = False

    @property
    def backup_path(self) -> Path:
        return self.store.with_suffix(".backup")


class Household:
    """See the module's first lines. All methods block, and are called from the test's thread."""

    def __init__(self, server: ServerProcess, folder: Path, *, formats: list[WireFormat], seed: int) -> None:
        self.server = server
        self.members: list[Member] = []
        self.playlists = [new_playlist_id(), new_playlist_id()]
        self._folder = folder
        self._rng = random.Random(seed)
        self._book = AckBook()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="household")
        self._thread.start()
        try:
            self.call(self._move_in(formats))
        except BaseException:
            self.close()
            raise

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the devices' loop, and wait for it."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(STEP_TIMEOUT_S)

    def close(self) -> None:
        """Close all devices and networks, and end the thread."""
        try:
            self.call(self._move_out())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STEP_TIMEOUT_S)
            self._loop.close()

    # --- what happens to members ---

    def act(self, member: Member, action: str) -> None:
        """The listener does something on this device."""
        self.call(self._on_loop(lambda: member.listener.does(action)))
        self.hurry()

    def change_network(self, member: Member, change: str) -> None:
        """Call a method of the member's network by name, as `cut`."""
        self.call(self._on_loop(getattr(member.network, change)))
        self.hurry()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.call(asyncio.sleep(seconds))
        self.hurry()

    def hurry(self) -> None:
        """Nobody waits for a backoff here."""
        for member in self.members:
            if member.device.state is DeviceState.OFFLINE:
                self._loop.call_soon_threadsafe(member.device.hurry)

    def reopen(self, member: Member) -> None:
        """Close the app, and start it again on the same store."""
        self.call(self._reopen(member))

    def back_up(self, member: Member) -> None:
        """Copy the store, as a phone's backup does; not before it was online for the first time.

        Until then it has no writer, and nobody could tell what it sends from what a restored copy of it sends. Nor
        while a restored store owes what it may have to send under a fresh writer: that would be one backup restored
        twice (decision 8).
        """
        device = member.device
        if device.account is None or (member.restored and device.owed):
            return
        member.restored = member.restored and not device.connected
        with sqlite3.connect(member.store) as source, sqlite3.connect(member.backup_path) as copy:
            source.backup(copy)
        source.close()
        copy.close()
        member.backup = len(member.listener.added)

    def restore(self, member: Member) -> None:
        """Close the app, put the backup in the place of the store, if there is one, and start the app again.

        Once for each backup: the first restored store sends what the backup held under a fresh writer, and a second
        one would not find it under the names that it knows.
        """
        self.call(self._reopen(member, restoring=member.backup is not None))

    def kill_server(self) -> None:
        """SIGKILL, and a new start."""
        self.server.kill()
        self.server.start()
        self.hurry()

    # --- the end ---

    def assert_converged(self) -> None:
        """Good networks for all; everybody settles; then all agree with each other, the gateway and the store."""
        self.call(self._settle())
        self.call(self._compare())

    async def _settle(self) -> None:
        for member in self.members:
            member.network.mend()
            # What stands was made by a bad network, and may still break.
            member.network.cut()

        def settled() -> bool:
            self.hurry()
            return not any(member.device.owed or not member.device.connected for member in self.members)

        await until(settled, "a device still owes events", timeout_s=SETTLE_TIMEOUT_S)

    async def _compare(self) -> None:
        account = self.members[0].login.account
        streams = ["a:me", *(f"p:{playlist}" for playlist in self.playlists)]
        everything: Cells = {}
        async with open_deployment(self.server.config) as deployment:
            for stream in streams:
                digests: dict[str, str] = {}
                for member in self.members:
                    verified = await member.device.verify(stream, timeout_s=SETTLE_TIMEOUT_S)
                    digests |= {member.listener.name: verified.ours, "gateway": verified.theirs}
                await until_projected(deployment.log, deployment.store, timeout_s=SETTLE_TIMEOUT_S)
                real = f"a:{account}" if stream == "a:me" else stream
                stored = await state_of_store(deployment.log, deployment.store, real)
                digests["store"] = stored.digest
                assert len(set(digests.values())) == 1, f"{stream}: {digests}"
                everything.update({f"{stream} {key}": cell for key, cell in stored.cells.items()})
            assert await self._book.problems(deployment.log, deployment.store) == []
        for member in self.members:
            # Who plays something by itself shows a queue without what that has consumed, and may go on so for ever.
            member.device.player.leave_detached()
        for stream in streams:
            shown = {member.listener.name: member.listener.tracks(stream) for member in self.members}
            shown["rebuilt"] = rebuilt(self.members[0].device.cells(stream), stream)
            assert all(tracks == shown["rebuilt"] for tracks in shown.values()), f"{stream}: {shown}"
            assert len(set(shown["rebuilt"])) == len(shown["rebuilt"]), f"{stream} shows a track twice: {shown}"
        self._assert_nothing_lost_or_doubled(everything)

    def _assert_nothing_lost_or_doubled(self, cells: Cells) -> None:
        lost = {track for member in self.members for track in member.may_be_lost}
        present = {track for track in lost if not doubles(cells, [track])}
        kept = [track for member in self.members for track in member.listener.added if track not in lost]
        assert doubles(cells, [*kept, *present]) == []

    # --- inside, on the loop ---

    async def _on_loop(self, work: Any) -> Any:
        return work()

    async def _move_in(self, formats: list[WireFormat]) -> None:
        names = [f"d{n}" for n in range(len(formats))]
        logins = await self.server.link(f"household {secrets.token_hex(8)}", *names)
        for name, login, format_ in zip(names, logins, formats, strict=True):
            network = LossyProxy(self.server.ws_url, seed=self._rng.randrange(2**32))
            await network.__aenter__()
            store = self._folder / f"{login.device}.db"
            device = self._device(login, store, format_, network)
            rng = random.Random(self._rng.random())
            listener = Listener(device, rng=rng, name=name, playlists=self.playlists)
            self.members.append(Member(login, store, format_, network, device, listener))
            await self._start(self.members[-1])
        self.members[0].device.library.add("playlists", *self.playlists)
        for playlist in self.playlists:
            self.members[0].device.playlist(playlist).rename("ours")

    async def _move_out(self) -> None:
        for member in self.members:
            await member.device.close()
            await member.network.__aexit__(None, None, None)

    def _device(self, login: LinkedDevice, store: Path, format_: WireFormat, network: LossyProxy) -> Device:
        return Device(network.url, login.token, store=str(store), format=format_)

    async def _start(self, member: Member) -> None:
        self._book.watch(member.listener.name, member.device)
        await member.device.__aenter__()
        for playlist in self.playlists:
            member.device.playlist(playlist)

    async def _reopen(self, member: Member, *, restoring: bool = False) -> None:
        await member.device.close()
        if restoring:
            for suffix in ("-wal", "-shm"):
                member.store.with_name(member.store.name + suffix).unlink(missing_ok=True)
            member.store.write_bytes(member.backup_path.read_bytes())
            member.may_be_lost.update(member.listener.added[member.backup :])
            member.backup = None
            member.restored = True
        member.device = member.listener.device = self._device(member.login, member.store, member.format, member.network)
        member.listener.undoable.clear()
        await self._start(member)


def rebuilt(cells: Mapping[str, Cell], stream: str) -> list[str]:
    """The list of a stream as its cells tell it at once, without any view that was kept up to date."""
    gone = consumed(cells) if stream == "a:me" else frozenset[ItemId]()
    items = list_view(cells, "queue" if stream == "a:me" else "items", consumed=gone)
    return [str(item.item["track"]) for item in items]

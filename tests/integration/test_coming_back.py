"""What it costs log and store when devices come back: counts of questions, which no noise of the machine moves."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import pytest
from live_service import Live, on_live
from raw_device import RawDevice

from syncd.api.sockets import bind
from syncd.gateway import connection
from syncd.gateway.conversation import Conversation
from syncd.gateway.gateway import Gateway, GatewayServices
from syncd.gateway.outbox import Outbox
from syncd.log.port import EventLog
from syncd.metrics import Metrics
from syncd.protocol.close_codes import LOGIN_REVOKED
from syncd.protocol.codec import JSON
from syncd.protocol.messages import Delta, Presence, Welcome
from syncd.store.port import Store
from syncd.testing.patience import PATIENCE_S, eventually, until

BACKGROUND = {"wait_beyond", "announce", "live_gateways", "revoked_of"}
"""What a gateway asks anyway, by its own clock."""
SHARED = {"logins": "logins", "streams": "streams", "checkpoints": "checkpoint", "slots": "slots", "ends": "end",
          "writers": "writers", "registrations": "register_writers"}  # fmt: skip
"""What is asked once for all who ask together -> the name it is counted by."""
DEVICES = 12
INSERT = ("list.inserted", {"list": "queue", "parent": None, "side": "R", "items": [{"track": "t"}]})


class Counted:
    """Something real, whose questions are counted by name, and held up while the gate of their name is closed."""

    def __init__(self, real: object, asked: Counter[str], gates: dict[str, asyncio.Event]) -> None:
        self._real = real
        self._asked = asked
        self._gates = gates

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def counted(*args: Any, **named: Any) -> Any:
            if name not in BACKGROUND:
                self._asked[name] += 1
            if name in self._gates:
                await self._gates[name].wait()
            return await found(*args, **named)

        return counted


@dataclass
class Counting:
    """A gateway of its own beside the module's service; `asked` counts what it asks."""

    gateway: Gateway
    url: str
    asked: Counter[str]
    gates: dict[str, asyncio.Event]

    def gate(self, name: str) -> asyncio.Event:
        """Hold up questions of a name until it is set."""
        self.gates[name] = asyncio.Event()
        return self.gates[name]

    def hold_until_together(self, askers: int, *kinds: str) -> None:
        """Hold up shared questions until so many ask. A kind's gate opens when all are there, and closes behind the
        last: so how many questions there are depends on no machine's speed."""
        for kind in kinds:
            together = getattr(self.gateway.guards._questions, kind)
            together.answer = _together(together.answer, self.gate(SHARED[kind]), askers)


def _together(
    answer: Callable[[Any], Awaitable[Any]], gate: asyncio.Event, askers: int
) -> Callable[[Any], Awaitable[Any]]:
    here = 0

    async def answered(key: Any) -> Any:
        nonlocal here
        here += 1
        if here == askers:
            gate.set()
        try:
            return await answer(key)
        finally:
            here -= 1
            if here == 0:
                gate.clear()

    return answered


@asynccontextmanager
async def counting(live: Live) -> AsyncIterator[Counting]:
    work, asked, gates = live.service.deployment, Counter[str](), dict[str, asyncio.Event]()
    log, store, accounts = (Counted(part, asked, gates) for part in (work.log, work.store, work.accounts))
    gateway = Gateway(
        GatewayServices(
            log=cast(EventLog, log), store=cast(Store, store), accounts=cast(Any, accounts),
            side_channel=work.side_channel, clock=work.clock, metrics=Metrics(),
        )
    )  # fmt: skip
    sockets = await bind("127.0.0.1", 0, setting="SYNCD_WS_PORT")
    await gateway.start(sockets)
    try:
        yield Counting(gateway, f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/v1/sync", asked, gates)
    finally:
        for gate in gates.values():
            gate.set()
        await gateway.drain()
        for sock in sockets:
            sock.close()


@asynccontextmanager
async def household(live: Live, url: str, *names: str) -> AsyncIterator[list[RawDevice]]:
    """Devices of some accounts, which have arrived at the gateway and lost their connections.

    Args:
        names: of the devices that each account has.
    """
    linked = [device for _ in range(DEVICES // len(names)) for device in await live.account(*names)]
    async with AsyncExitStack() as stack:
        devices = [await stack.enter_async_context(RawDevice(url, each.token)) for each in linked]
        for device in devices:
            await device.arrive("a:me")
            await device.emit_acked(*INSERT)
        for device in devices:
            await device.cut()
        yield devices


async def come_back(devices: Sequence[RawDevice]) -> list[str]:
    """All in one moment; how each is served."""

    async def one(device: RawDevice) -> str:
        writer = device.writer
        await device.connect()
        welcome = await device.arrive("a:me")
        assert welcome.writer == writer
        return welcome.streams[0].resume

    return await asyncio.gather(*map(one, devices))


@on_live
async def test_devices_that_the_gateway_knows_come_back_without_any_question_of_their_own(live: Live) -> None:
    async with counting(live) as at, household(live, at.url, "phone", "laptop", "car") as devices:
        at.asked.clear()
        assert await come_back(devices) == ["tail"] * DEVICES
        assert set(at.asked) == {"end"}, "up to where the log goes is asked for all who arrive together"
        assert at.asked["end"] <= DEVICES


@on_live
async def test_devices_that_the_gateway_has_never_seen_share_their_questions(live: Live) -> None:
    async with household(live, live.service.ws_url, "phone") as devices, counting(live) as at:
        for device in devices:
            device.url = at.url
        await live.projected()
        (bystander,) = await live.account("phone")
        async with RawDevice(at.url, bystander.token) as device:
            await device.arrive("a:me")  # so the partition's tail is open, which is nobody's own question
            at.asked.clear()
            at.hold_until_together(DEVICES, *SHARED)
            await come_back(devices)
        per_stream = {"cells"}  # read by each, since what each lacks is its own
        shared = {name: count for name, count in at.asked.items() if name not in per_stream}
        assert set(shared) == set(SHARED.values()) - {"register_writers"}, "they have their writers"
        # Twice, since who comes first does not wait for the others; and the checkpoint for guard and ledger.
        assert shared.pop("checkpoint") <= 4
        assert max(shared.values()) <= 2, shared


@on_live
async def test_devices_that_come_for_the_first_time_are_given_their_writers_together(live: Live) -> None:
    linked = [device for _ in range(DEVICES // 3) for device in await live.account("phone", "laptop", "car")]
    async with counting(live) as at, AsyncExitStack() as stack:
        devices = [await stack.enter_async_context(RawDevice(at.url, each.token)) for each in linked]
        at.hold_until_together(DEVICES, "registrations")
        welcomes = await asyncio.gather(*(device.hello("a:me") for device in devices))
        assert len({welcome.writer for welcome in welcomes}) == DEVICES
        assert at.asked["register_writers"] <= 2, "who comes first does not wait for the others"


@on_live
async def test_a_connection_that_is_gone_leaves_nothing_to_the_collector(live: Live) -> None:
    """Thousands that go in one moment would otherwise wait for it, and it stalls everybody else when it comes."""
    (phone,) = await live.account("phone")
    async with counting(live) as at:

        def gone() -> bool:
            return not any(type(each) is Conversation and each.gateway is at.gateway for each in gc.get_objects())

        gc.disable()
        try:
            async with RawDevice(at.url, phone.token) as device:
                await device.arrive("a:me")
                await device.emit_acked(*INSERT)
                assert not gone()
                await device.cut()
            await until(gone, "a conversation is still there")
        finally:
            gc.enable()


@on_live
async def test_what_a_device_missed_and_who_is_there_come_in_the_write_of_its_welcome(live: Live) -> None:
    home, away = await live.account("home", "away")
    async with counting(live) as at, RawDevice(at.url, home.token) as sender, RawDevice(at.url, away.token) as device:
        for each in (sender, device):
            await each.arrive("a:me")
        await device.cut()
        for _ in range(3):
            await sender.emit_acked(*INSERT)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(connection, "Outbox", WatchedOutbox)
            assert await come_back([device]) == ["tail"]
            await device.expect(Presence)
        (written,) = WatchedOutbox.writes
        assert [type(message) for message in _messages(written)] == [Welcome, Delta, Delta, Delta, Presence]


class WatchedOutbox(Outbox):
    """Keeps what is handed to the transport, by write."""

    writes: ClassVar[list[bytes]] = []

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        put = self.put

        def watched(framed: bytes) -> None:
            self.writes.append(framed)
            put(framed)

        self.put = watched


def _messages(framed: bytes) -> Iterator[object]:
    while framed:
        length = framed[1] if framed[1] < 126 else int.from_bytes(framed[2:4], "big")
        end = length + (2 if framed[1] < 126 else 4)
        yield JSON.decode_server(framed[end - length : end])
        framed = framed[end:]


@on_live
async def test_a_hello_for_many_playlists_asks_for_all_of_them_at_once(live: Live) -> None:
    (phone,) = await live.account("phone")
    async with live.device(phone) as device, counting(live) as at:
        await device.arrive("a:me")
        playlists = [f"p:{phone.account}-playlist-{n}" for n in range(DEVICES)]
        for playlist in playlists:
            await device.emit_acked("playlist.described", {"name": "x"}, stream=playlist)
        await device.cut()
        await live.projected()
        device.url = at.url
        at.hold_until_together(1 + len(playlists), "slots")  # each asks after its roles, which come when they come
        await device.connect()
        welcome = await device.arrive("a:me", *playlists)
        assert [(each.stream, each.next_seq) for each in welcome.streams] == [
            (welcome.streams[0].stream, 1), *((playlist, 2) for playlist in playlists)
        ]  # fmt: skip
        assert at.asked["cells_under"] == DEVICES, "the roles in each are its own"
        assert max(at.asked[name] for name in ("streams", "slots", "end", "checkpoint", "writers")) <= DEVICES / 2, (
            at.asked
        )


@on_live
async def test_what_a_device_wrote_through_another_gateway_is_known_when_it_comes_back(live: Live) -> None:
    """The ledger that was kept is older than that; the log's end says so, and the tail is waited for."""
    (phone,) = await live.account("phone")
    async with counting(live) as at, RawDevice(at.url, phone.token) as device:
        await device.arrive("a:me")
        await device.emit_acked(*INSERT)
        await device.cut()
        await at.gateway.tails.of(0).reached(await live.service.deployment.log.end(0), timeout_s=PATIENCE_S)
        gate = at.gate("read")  # its tail hears of news, and cannot read it
        device.url = live.service.ws_url
        await come_back([device])
        await device.emit_acked(*INSERT)
        await device.cut()
        device.url = at.url
        asked = at.asked["end"]
        back = asyncio.create_task(_next_seq(device))

        async def has_asked() -> bool:
            return at.asked["end"] > asked or back.done()

        await eventually(has_asked)
        gate.set()
        assert await back == 3


async def _next_seq(device: RawDevice) -> int:
    await device.connect()
    return (await device.hello("a:me")).streams[0].next_seq


@on_live
async def test_a_revoked_device_that_is_remembered_gets_nowhere(live: Live) -> None:
    """Whether the news reached the gateway (the first) or was lost and the sweep has to find out (the second)."""
    told, untold = await live.account("phone", "laptop")
    async with counting(live) as at:
        for linked, is_told in ((told, True), (untold, False)):
            async with RawDevice(at.url, linked.token) as device:
                await device.arrive("a:me")
                await device.cut()
                await live.service.deployment.accounts.revoke(linked.device)
                if is_told:
                    at.gateway._revoked(linked.device)
                await device.connect()
                await device.say({"type": "hello", "token": linked.token, "nonce": device.nonce, "client": "",
                                  "now_ms": 0, "streams": [{"stream": "a:me"}]})  # fmt: skip
                assert (await device.closed())[0] == LOGIN_REVOKED.code
                assert not (is_told and any(isinstance(heard, Welcome) for heard in device.heard))

"""Appends that are refused, late, or of which nobody knows: nothing is lost, and nothing is doubled in effect.

The log is the real one, wrapped: its appends end as a test says.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import pytest
from live_service import Live, on_live
from raw_device import RawDevice, all_records

from syncd.accounts import LinkedDevice
from syncd.api.sockets import bind
from syncd.gateway import appender, conversation, tails
from syncd.gateway.gateway import Gateway, GatewayServices
from syncd.limits import APPEND_TIMEOUT_S
from syncd.log.port import Appended, EventLog, Page, SearchableLog
from syncd.log.record import LoggedRecord, Record
from syncd.metrics import Metrics
from syncd.protocol.messages import Nack
from syncd.store.port import Store
from syncd.testing.patience import eventually, until

INSERT = ("list.inserted", {"list": "queue", "parent": None, "side": "R", "items": [{"track": "t"}]})
BAD = ("list.inserted", {"list": "queue", "parent": None, "side": "R", "items": [{"no": "track"}]})


class UnsureLog:
    """A log whose next appends meet the fates given; then it is itself again.

    Attributes:
        fates: "refused", "unknown" (nothing was written), "unknown but written", "unknown, written later" or "broken".
        open: appends wait for it.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.fates: deque[str] = deque()
        self.open = asyncio.Event()
        self.open.set()
        self.late: list[Sequence[Record]] = []
        self.appends = 0

    async def append(self, records: Sequence[Record]) -> list[Appended]:
        self.appends += 1
        await self.open.wait()
        fate = self.fates.popleft() if self.fates else "written"
        if fate == "written":
            return await self._log.append(records)
        if fate == "broken":
            raise RuntimeError("a bug of the log")
        if fate == "refused":
            return [Appended(0, "refused", records, reason="the log is full")]
        if fate == "unknown but written":
            await self._log.append(records)
        if fate == "unknown, written later":
            self.late.append(records)
        return [Appended(0, "unknown", records, reason="no answer")]

    async def write_late(self) -> None:
        """What nobody knew of reaches the log after all."""
        for records in self.late:
            await self._log.append(records)
        self.late = []

    # --- itself ---

    @property
    def partitions(self) -> int:
        return self._log.partitions

    def partition_of(self, stream: str) -> int:
        return self._log.partition_of(stream)

    def epoch(self, partition: int) -> str:
        return self._log.epoch(partition)

    async def read(self, partition: int, from_: int, *, limit: int) -> list[LoggedRecord]:
        return await self._log.read(partition, from_, limit=limit)

    async def start(self, partition: int) -> int:
        return await self._log.start(partition)

    async def end(self, partition: int) -> int:
        return await self._log.end(partition)

    async def wait_beyond(self, partition: int, offset: int, *, timeout_s: float) -> int:
        return await self._log.wait_beyond(partition, offset, timeout_s=timeout_s)

    async def find(self, stream: str, writer: str, seq: int) -> LoggedRecord | None:
        assert isinstance(self._log, SearchableLog)
        return await self._log.find(stream, writer, seq)

    async def read_stream(self, stream: str, from_: int, *, until: int, limit: int) -> Page:
        return await self._log.read_stream(stream, from_, until=until, limit=limit)

    async def check(self) -> None:
        await self._log.check()

    async def close(self) -> None:
        """Whoever opened the real one closes it."""


class HeldStore:
    """The real store, whose answers about lists can be held up."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.open = asyncio.Event()
        self.open.set()
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def slots(self, streams: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        self.asked += 1
        await self.open.wait()
        return await self._store.slots(streams)


@dataclass
class Unsure:
    """A gateway on such a log, with a device, and another one at the module's service that sees the effect."""

    gateway: Gateway
    log: UnsureLog
    store: HeldStore
    device: RawDevice
    witness: RawDevice
    linked: LinkedDevice

    async def back(self) -> int:
        """Reconnect after the server's close; the seq it expects."""
        await self.device.disconnect()
        await self.device.connect()
        writer = self.device.writer
        welcome = await self.device.hello("a:me")
        assert welcome.writer == writer
        return welcome.streams[0].next_seq

    async def resend(self) -> None:
        await self.device.say({"type": "emit", "events": self.device.emitted()})

    async def shows(self, count: int) -> None:
        """Expect that many insertions at the witness, and one state everywhere."""
        told = await self.device.server_digest()
        await self.witness.agrees(told.digest)
        runs = [key for key in self.witness.cells[told.stream] if key.startswith("queue/run/")]
        assert len(runs) == count


@asynccontextmanager
async def unsure(live: Live) -> AsyncIterator[Unsure]:
    work = live.service.deployment
    log, store = UnsureLog(work.log), HeldStore(work.store)
    gateway = Gateway(
        GatewayServices(
            log=log, store=cast(Store, store), accounts=work.accounts, side_channel=work.side_channel, clock=work.clock,
            metrics=Metrics(),
        )
    )  # fmt: skip
    sockets = await bind("127.0.0.1", 0, setting="SYNCD_WS_PORT")
    await gateway.start(sockets)
    phone, laptop = await live.account("phone", "laptop")
    url = f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/v1/sync"
    try:
        async with RawDevice(url, phone.token) as device, live.device(laptop) as witness:
            await device.arrive("a:me")
            await witness.arrive("a:me")
            yield Unsure(gateway, log, store, device, witness, phone)
    finally:
        log.open.set()
        store.open.set()
        await gateway.drain()
        for sock in sockets:
            sock.close()


@on_live
async def test_what_the_log_refuses_is_unavailable_and_may_come_again_with_the_same_seq(live: Live) -> None:
    async with unsure(live) as at:
        at.log.fates.append("refused")
        seqs = await at.device.emit_all(INSERT, INSERT, INSERT)
        for seq in seqs:
            nack = await at.device.nacked(seq)
            assert (nack.reason, nack.message) == ("unavailable", "the log is full")
        assert not list(at.device.acks())
        await at.resend()
        await at.device.acked(3)
        assert [ack.seen for ack in at.device.acks()] == [False] * 3
        await at.shows(3)


@on_live
async def test_what_was_refused_again_and_again_keeps_the_times_that_its_device_gave_it(live: Live) -> None:
    """Else the last try, written without an answer, is seen with another time, and its device takes it for somebody
    else's: it asks for another writer, and sends all of it once more under other names."""
    async with unsure(live) as at:
        for tries in range(1, 4):
            at.log.fates.append("refused")
            await (at.resend() if tries > 1 else at.device.emit_all(INSERT, INSERT, INSERT))
            await at.device.until(partial(_has_nacks, at.device, 3 * tries))
        at.log.fates.append("unknown but written")
        await at.resend()
        assert (await at.device.closed())[0] == 4001
        assert await at.back() == 4
        await at.resend()
        await at.device.acked(3)
        given = [event["t"] for event in at.device.emitted()]
        assert [(ack.seen, ack.t) for ack in at.device.acks()] == [(True, t) for t in given]
        await at.shows(3)


def _has_nacks(device: RawDevice, count: int) -> bool:
    return sum(isinstance(heard, Nack) for heard in device.heard) == count


@on_live
async def test_what_waits_behind_a_refused_group_is_taken_back_with_it(live: Live) -> None:
    async with unsure(live) as at:
        at.log.open.clear()
        at.log.fates.append("refused")
        await at.device.emit(*INSERT)
        await at.device.round_trip()
        await at.device.emit(*INSERT)
        await at.device.round_trip()
        at.log.open.set()
        assert [(await at.device.nacked(seq)).reason for seq in (1, 2)] == ["unavailable"] * 2
        await at.resend()
        await at.device.acked(2)
        await at.shows(2)


@on_live
async def test_an_append_outlives_its_connection_and_so_does_the_tail_that_it_is_published_by(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    linger_s = 0.01
    monkeypatch.setattr(tails, "TAIL_LINGER_S", linger_s)
    async with unsure(live) as at:
        at.log.open.clear()
        await at.device.emit(*INSERT)
        await at.device.round_trip()
        await at.device.disconnect()
        await until(lambda: at.gateway.metrics.connections == 0)
        at.gateway.forget_left(math.inf)
        await asyncio.sleep(5 * linger_s)  # what is shown is that it does not end in that time
        assert at.gateway.metrics.tailed_partitions == 1
        at.log.open.set()

        async def is_untailed() -> bool:
            at.gateway.forget_left(math.inf)
            return at.gateway.metrics.tailed_partitions == 0

        await eventually(is_untailed)
        await at.device.connect()
        assert (await at.device.hello("a:me")).streams[0].next_seq == 2
        await at.shows(1)


@on_live
async def test_a_refusal_that_is_not_durable_binds_nobody(live: Live) -> None:
    """The void was refused by the log, so the seq is free: a mended event may use it, and others may name that."""
    async with unsure(live) as at:
        at.log.fates.append("refused")
        assert (await at.device.nacked(await at.device.emit(*BAD))).reason == "unavailable"
        child = ("list.removed", {"list": "queue", "ids": [f"{at.device.writer}.1.0"]})
        events = [at.device.event(*INSERT, seq=1), at.device.event(*child, seq=2)]
        await at.device.say({"type": "emit", "events": events})
        await at.device.acked(1)
        await at.device.acked(2)


@pytest.mark.parametrize(
    ("fate", "expected", "seen"), [("unknown but written", 3, True), ("unknown", 1, False)], ids=["written", "lost"]
)
@on_live
async def test_an_unknown_append_closes_and_the_resend_is_seen_or_accepted(
    live: Live, fate: str, expected: int, seen: bool
) -> None:
    async with unsure(live) as at:
        at.log.fates.append(fate)
        await at.device.emit_all(INSERT, INSERT)
        assert (await at.device.closed())[0] == 4001
        assert not list(at.device.acks())
        assert not [m for m in at.device.heard if isinstance(m, Nack)]
        assert await at.back() == expected
        await at.resend()
        await at.device.acked(2)
        assert [(ack.seq, ack.seen) for ack in at.device.acks()] == [(1, seen), (2, seen)]
        await at.shows(2)
        await at.device.agrees(at.witness.digest())


@on_live
async def test_an_append_that_arrives_after_its_resend_has_no_second_effect(live: Live) -> None:
    async with unsure(live) as at:
        at.log.fates.append("unknown, written later")
        await at.device.emit_all(INSERT, INSERT)
        assert (await at.device.closed())[0] == 4001
        assert await at.back() == 1
        await at.resend()
        await at.device.acked(2)
        await at.log.write_late()
        records = [r for r in await all_records(live.service.deployment.log) if r.writer == at.device.writer]
        assert [record.seq for record in records] == [1, 2, 1, 2]
        await at.device.at(records[-1].offset + 1)
        await at.shows(2)
        await at.device.agrees(at.witness.digest())
        await at.resend()
        await eventually(lambda: _seen(at.device, 2))
        assert (await at.device.emit_acked(*INSERT)).seq == 3


async def _seen(device: RawDevice, count: int) -> bool:
    return len([ack for ack in device.acks() if ack.seen]) == count


@on_live
async def test_an_append_without_an_answer_is_unknown_after_its_time(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert APPEND_TIMEOUT_S == 10.0
    async with unsure(live) as at:
        at.log.open.clear()
        with monkeypatch.context() as hasty:
            hasty.setattr(appender, "APPEND_TIMEOUT_S", 0.2)
            await at.device.emit(*INSERT)
            assert (await at.device.closed())[0] == 4001
        at.log.open.set()
        assert await at.back() == 1
        await at.resend()
        assert not (await at.device.acked(1)).seen


@on_live
async def test_a_device_that_comes_back_waits_for_what_it_has_under_way(live: Live) -> None:
    async with unsure(live) as at:
        at.log.open.clear()
        await at.device.emit_all(INSERT, INSERT)
        await at.device.round_trip()
        await at.device.cut()
        back = asyncio.create_task(at.back())
        await eventually(lambda: _waits(at))
        assert not back.done()
        at.log.open.set()
        assert await back == 3
        await at.resend()
        await at.device.acked(2)
        assert all(ack.seen for ack in at.device.acks())
        await at.shows(2)


async def _waits(at: Unsure) -> bool:
    """The hello has been read, and its writer is held up."""
    return at.gateway.metrics.connections == 1 and at.gateway.metrics.connections_opened == 2


@on_live
async def test_of_many_that_come_back_while_events_are_under_way_one_stays(live: Live) -> None:
    async with unsure(live) as at:
        at.log.open.clear()
        await at.device.emit_all(INSERT, INSERT)
        await at.device.round_trip()
        await at.device.cut()
        twins = [RawDevice(at.device.url, at.device.token) for _ in range(3)]
        hellos = []
        for twin in twins:
            twin.writer, twin.account, twin.seqs = at.device.writer, at.device.account, dict(at.device.seqs)
            await twin.connect()
            hellos.append(asyncio.create_task(twin.hello("a:me")))
        await asyncio.sleep(0.05)  # so that all of them wait; if not, the test only tests less
        at.log.open.set()
        await asyncio.gather(*hellos, return_exceptions=True)
        (alive,) = await eventually(lambda: _only_one(twins))
        assert (await alive.emit_acked(*INSERT)).seq == 3
        for twin in twins:
            await twin.disconnect()


@on_live
async def test_two_hellos_of_one_store_at_once_leave_one_connection(live: Live) -> None:
    async with unsure(live) as at:
        await at.device.emit_acked(*INSERT)
        twins = [RawDevice(at.device.url, at.device.token) for _ in range(4)]
        for twin in twins:
            twin.writer, twin.account, twin.seqs = at.device.writer, at.device.account, dict(at.device.seqs)
            await twin.connect()
        await asyncio.gather(*[twin.hello("a:me") for twin in twins], return_exceptions=True)
        alive = await eventually(lambda: _only_one(twins))
        assert {twin.close[0] for twin in (*twins, at.device) if twin.close is not None} == {4004}
        assert alive[0].writer == at.device.writer
        assert (await alive[0].emit_acked(*INSERT)).seq == 2
        for twin in twins:
            await twin.disconnect()


async def _only_one(devices: Sequence[RawDevice]) -> list[RawDevice]:
    alive = [device for device in devices if device.close is None]
    return alive if len(alive) == 1 else []


@on_live
async def test_connections_cut_at_any_moment_leave_nothing_behind(live: Live) -> None:
    async with unsure(live) as at:
        playlist = f"p:{at.linked.account}-playlist"
        await at.device.emit_acked("playlist.described", {"name": "x"}, stream=playlist)

        async def come_and_go(n: int) -> None:
            device = RawDevice(at.device.url, at.device.token, nonce=f"n{n}")
            async with device:
                await device.say({"type": "hello", "token": device.token, "nonce": "n", "client": "", "now_ms": 0,
                                  "streams": [{"stream": "a:me"}, {"stream": playlist}]})  # fmt: skip
                await device.say({"type": "subscribe", "stream": f"p:{at.linked.account}-{n:06}"})
                await asyncio.sleep(n / 2_000)
                await device.cut()

        await asyncio.gather(*[come_and_go(n) for n in range(40)])
        await at.device.cut()
        await eventually(lambda: _is_empty(at.gateway))
        assert await at.back() == 1
        assert (await at.device.emit_acked(*INSERT)).seq == 1


@on_live
async def test_streams_that_a_connection_only_writes_to_are_forgotten_and_loaded_again(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "STREAMS_HELD_MAX", 4)
    async with unsure(live) as at:
        playlists = [f"p:{at.linked.account}-playlist-{n}" for n in range(12)]
        for playlist in playlists:
            await at.device.emit_acked("playlist.described", {"name": "x"}, stream=playlist)
        assert len(at.gateway.hub.channels) <= 4
        assert at.device.writer is not None
        assert len(at.gateway.writers.ledgers[at.device.writer].streams) <= 4
        again = at.device.emitted(playlists[0])
        await at.device.say({"type": "emit", "events": again})
        await at.device.until(lambda: any(ack.seen for ack in at.device.acks()))
        assert (await at.device.emit_acked("playlist.described", {"name": "y"}, stream=playlists[0])).seq == 2
        assert (await at.device.emit_acked(*INSERT)).seq == 1
        await at.shows(1)


@on_live
async def test_rules_that_nobody_waits_for_any_more_are_not_kept(live: Live) -> None:
    async with unsure(live) as at:
        before = at.store.asked
        at.store.open.clear()
        playlist = f"p:{at.linked.account}-playlist"
        twin = RawDevice(at.device.url, at.device.token, nonce="twin")
        async with twin:
            await twin.hello()
            for device in (at.device, twin):
                await device.say({"type": "subscribe", "stream": playlist})
            await eventually(lambda: _is(at.store.asked > before))
            await at.device.cut()  # who loads, while the other waits for it
            await eventually(lambda: _is(at.gateway.metrics.connections == 1))
            at.store.open.set()
            await twin.until(lambda: playlist in twin.cursors)
            assert at.store.asked == before + 2
            assert set(at.gateway.hub.channels) == {playlist, f"a:{at.linked.account}"}
            at.store.open.clear()
            await twin.say({"type": "subscribe", "stream": f"{playlist}-2"})
            await eventually(lambda: _is(at.store.asked > before + 2))
            await twin.cut()
        await eventually(lambda: _is_empty(at.gateway))


async def _is(truth: bool) -> bool:
    return truth


async def _is_empty(gateway: Gateway) -> bool:
    gateway.forget_left(math.inf)
    return not (gateway.hub.channels or gateway.writers.ledgers or gateway.metrics.connections)


@on_live
async def test_a_bug_of_the_log_ends_the_gateway_instead_of_silencing_it(live: Live) -> None:
    async with unsure(live) as at:
        watching = asyncio.create_task(at.gateway.watch())
        at.log.fates.append("broken")
        await at.device.emit(*INSERT)
        assert (await at.device.closed())[0] == 4001
        with pytest.raises(RuntimeError, match="a bug of the log"):
            await watching

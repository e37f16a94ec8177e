"""Batches, lost acks, gaps, restored stores and revoked devices: nothing is lost, doubled or accepted twice."""

from __future__ import annotations

import pytest
from live_service import Live, fresh_server, greeted, on_live, records_of, stranger
from raw_device import RawDevice

from syncd.gateway import ledger
from syncd.limits import REVOCATION_POLL_S
from syncd.model.stamp import ms, pack
from syncd.operations.devices import revoke_device
from syncd.protocol.messages import Nack, Snapshot, Subscribed, Welcome

pytestmark = pytest.mark.usefixtures("other_connections_notice_nothing")


# --- batches, repeats, gaps ---


@on_live
async def test_a_refused_event_in_the_middle_uses_its_seq_and_is_refused_alike_for_ever(live: Live) -> None:
    async with greeted(live) as device:
        batch = [device.event("settings.changed", data) for data in ({"a": 1}, {"b": 0.5}, {"c": 3})]
        await device.say({"type": "emit", "events": batch})
        nack = await device.nacked(2)
        assert nack.reason == "invalid"
        first = [await device.acked(1), await device.acked(3)]
        await device.say({"type": "emit", "events": batch})
        assert await device.nacked(2) == nack
        await device.until(lambda: len([ack for ack in device.acks() if ack.seen]) == 2)
        await device.disconnect()
        await live.projected()
        async with fresh_server(live) as url:
            device.url = url
            await device.connect()
            welcome = await device.hello("a:me")
            assert (welcome.writer, welcome.streams[0].next_seq) == (device.writer, 4)
            await device.say({"type": "emit", "events": batch})
            assert await device.nacked(2) == nack
            again = [await device.acked(1), await device.acked(3)]
            assert [(ack.seq, ack.t, ack.seen) for ack in again] == [(ack.seq, ack.t, True) for ack in first]
            await device.disconnect()


@on_live
async def test_after_a_lost_ack_the_resend_is_seen_with_its_first_time(live: Live) -> None:
    phone, laptop = await live.account("phone", "laptop")
    async with live.device(laptop) as other, live.device(phone) as device:
        await other.arrive("a:me")
        await device.arrive("a:me")
        event = device.event("settings.changed", {"k": 1}, t=pack(2**41))  # from the future: it will be clamped
        device.pause()
        await device.say({"type": "emit", "events": [event]})
        delta = await other.expect_event("settings.changed")
        await device.cut()
        assert not list(device.acks())
        await device.connect()
        welcome = await device.hello("a:me")
        assert (welcome.writer, welcome.streams[0].next_seq) == (device.writer, 2)
        await device.say({"type": "emit", "events": [event]})
        ack = await device.acked(1)
        assert delta.by is not None
        assert (ack.seen, ack.t) == (True, delta.by.t)
        await device.cut()
        await live.projected()
        async with fresh_server(live) as url:
            device.url = url
            await device.connect()
            await device.arrive("a:me")
            await device.say({"type": "emit", "events": [event]})
            assert (await device.acked(1)).t == ack.t
            await device.until(lambda: device.digest() == other.digest())
            await device.disconnect()


@on_live
async def test_a_seq_too_old_for_memory_is_looked_up_in_the_log(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "ANSWERS_MAX", 4)
    async with greeted(live) as device:
        first = await device.emit_acked("settings.changed", {"k": 0})
        bad = await device.nacked(await device.emit("settings.changed", {"k": 0.5}))
        for n in range(6):
            await device.emit_acked("settings.changed", {"k": n})
        events = [device.event("settings.changed", {"k": 0}, seq=seq, t=1) for seq in (1, 2)]
        await device.say({"type": "emit", "events": events})
        ack = await device.until(lambda: next((a for a in device.acks() if a.seen), None))
        assert ack is not None
        assert (ack.seq, ack.t) == (1, first.t)
        assert await device.nacked(2) == bad


@on_live
async def test_a_lower_last_seq_or_another_nonce_gets_a_fresh_writer(live: Live) -> None:
    async with greeted(live) as device:
        for n in range(3):
            await device.emit_acked("settings.changed", {"k": n})
        first = device.writer
        for changes in ({"seqs": {f"a:{device.account}": 2}}, {"nonce": "restored-on-another"}):
            await device.disconnect()
            kept = {name: getattr(device, name) for name in changes}
            device.writer = first
            device.seqs = {f"a:{device.account}": 3}
            for name, value in changes.items():
                setattr(device, name, value)
            await device.connect()
            welcome = await device.hello("a:me")
            assert welcome.writer != first
            assert welcome.streams[0].next_seq == 1
            assert (await device.emit_acked("settings.changed", {"k": 9})).seq == 1
            for name, value in kept.items():
                setattr(device, name, value)


@on_live
async def test_a_stream_of_which_a_restored_store_knows_less_needs_a_fresh_writer(live: Live) -> None:
    async with greeted(live) as device:
        playlist = f"p:{device.account}-playlist"
        for n in range(2):
            await device.emit_acked("playlist.described", {"name": str(n)}, stream=playlist)
        await device.say({"type": "subscribe", "stream": playlist})  # it has just written there, that is proof enough
        assert (await device.expect(Subscribed)).next_seq == 3
        await device.cut()
        await device.connect()
        await device.arrive("a:me")
        await device.say({"type": "subscribe", "stream": playlist, "last_seq": 1})
        code, reason = await device.closed()
        assert code == 4101
        assert "last_seq 1" in reason
        assert "known is 2" in reason


@on_live
async def test_a_writer_of_somebody_else_is_not_ours_and_its_owner_stays_connected(live: Live) -> None:
    async with stranger(live) as owner, greeted(live, writer=owner.writer) as thief:
        assert thief.writer != owner.writer
        await owner.round_trip()
        assert owner.close is None
        assert (await owner.emit_acked("settings.changed", {"k": 2})).seq == 2


@on_live
async def test_a_second_connection_of_one_store_replaces_the_first(live: Live) -> None:
    async with greeted(live) as device:
        await device.emit_acked("settings.changed", {"k": 1})
        async with RawDevice(device.url, device.token) as twin:
            twin.writer, twin.seqs, twin.account = device.writer, device.seqs, device.account
            welcome = await twin.hello("a:me")
            assert (welcome.writer, welcome.streams[0].next_seq) == (device.writer, 2)
            assert (await device.closed())[0] == 4004
            assert (await twin.emit_acked("settings.changed", {"k": 2})).seq == 2


@on_live
async def test_a_gap_is_told_once_and_the_rest_is_dropped_until_the_expected_seq(live: Live) -> None:
    async with greeted(live) as device:
        events = {seq: device.event("settings.changed", {"k": seq}, seq=seq) for seq in range(1, 6)}
        await device.say({"type": "emit", "events": [events[1], events[3], events[4], events[5]]})
        nack = await device.nacked(3)
        assert (nack.reason, nack.expect) == ("gap", 2)
        assert "seq 3 came, 2 was expected" in nack.message
        await device.round_trip()
        assert [message.seq for message in device.heard if isinstance(message, Nack)] == [3]
        await device.say({"type": "emit", "events": [events[2], events[4]]})
        assert (await device.nacked(4)).expect == 3
        await device.say({"type": "emit", "events": [events[3], events[4], events[5]]})
        await device.acked(5)
        assert sorted(ack.seq for ack in device.acks()) == [1, 2, 3, 4, 5]


@on_live
async def test_what_names_a_refused_event_is_refused_as_its_orphan(live: Live) -> None:
    async with greeted(live) as device:
        bad = ("list.inserted", {"list": "queue", "side": "R", "items": [{"no": "track"}]})
        child = ("list.inserted", {"list": "queue", "parent": f"{device.writer}.1.0", "side": "R",
                                   "items": [{"track": "t"}]})  # fmt: skip
        grandchild = ("list.removed", {"list": "queue", "ids": [f"{device.writer}.2.0"]})
        unrelated = ("list.inserted", {"list": "queue", "side": "R", "items": [{"track": "t"}]})
        seqs = await device.emit_all(bad, child, grandchild, unrelated)
        nacks = [await device.nacked(seq) for seq in seqs[:3]]
        assert [nack.reason for nack in nacks] == ["invalid", "orphan", "orphan"]
        assert f"{device.writer}.1" in nacks[1].message
        await device.acked(4)
        assert (await device.nacked(await device.emit(*child))).reason == "orphan"


@on_live
async def test_a_control_that_comes_too_late_is_refused_and_one_in_time_is_not(live: Live) -> None:
    async with greeted(live) as device:
        now_ms = live.service.deployment.clock.now_ms()
        late = await device.emit("settings.changed", {"k": 1}, t=pack(now_ms - 11_000), valid_ms=10_000)
        nack = await device.nacked(late)
        assert nack.reason == "expired"
        assert "10000 ms" in nack.message
        await device.emit_acked("settings.changed", {"k": 1}, t=pack(now_ms - 1_000), valid_ms=10_000)


@on_live
async def test_a_time_from_the_future_is_clamped_and_told_in_the_ack(live: Live) -> None:
    async with greeted(live) as device:
        now_ms = live.service.deployment.clock.now_ms()
        ack = await device.emit_acked("settings.changed", {"k": 1}, t=pack(now_ms + 3 * 86_400_000))
        assert now_ms <= ms(ack.t) <= now_ms + 5_000
        near = pack(now_ms + 300)
        assert (await device.emit_acked("settings.changed", {"k": 2}, t=near)).t == max(near, ack.t + 1)
        assert (await device.emit_acked("settings.changed", {"k": 3}, t=1)).t > near


# --- revocation ---


@pytest.mark.parametrize("how", ["told", "the side channel and the log lost it"])
@on_live
async def test_a_revoked_device_is_closed_within_5_s_and_nothing_more_is_accepted(live: Live, how: str) -> None:
    assert REVOCATION_POLL_S <= 2.5, "whoever was not told is found by the next look"
    phone, laptop = await live.account("phone", "laptop")
    work = live.service.deployment
    async with live.device(phone) as device, live.device(laptop) as other:
        await device.arrive("a:me")
        await other.arrive("a:me")
        if how == "told":
            await revoke_device(work.accounts, work.log, work.side_channel, work.clock, phone.device)
        else:
            await work.accounts.revoke(phone.device)
        assert await device.closed() == (4201, "this device was revoked")
        assert other.close is None
        before = await records_of(live, f"a:{phone.account}")
        async with live.device(phone) as again:
            await again.say({"type": "hello", "token": phone.token, "nonce": "n", "client": "", "now_ms": 0,
                             "streams": [{"stream": "a:me"}]})  # fmt: skip
            await again.say({"type": "emit", "events": [again.event("settings.changed", {"k": 1})]})
            assert (await again.refused()).code == "login_revoked"
            assert (await again.closed())[0] == 4201
            assert not [m for m in again.heard if isinstance(m, Welcome | Snapshot)]
        assert await records_of(live, f"a:{phone.account}") == before
        await other.emit_acked("settings.changed", {"k": 2})


# --- a store that was never connected ---


@on_live
async def test_a_free_proposal_is_taken_and_known_again_by_its_nonce_alone(live: Live) -> None:
    """A copy of the store, restored later, proposes it again: its old events are known, not made a second time."""
    (phone,) = await live.account("phone")
    async with live.device(phone, nonce="of the store") as device:
        assert (await device.hello("a:me", proposal="drawn00001")).writer == "drawn00001"
        await device.emit_acked("settings.changed", {"k": 1})
    async with live.device(phone, nonce="of the store") as copy:
        welcome = await copy.hello("a:me", proposal="drawn00001")
        assert welcome.writer != "drawn00001", "the copy holds less than its writer has sent"
    async with live.device(phone, nonce="of the store") as again:
        again.seqs["a:me"] = 1
        welcome = await again.hello("a:me", proposal="drawn00001")
        assert (welcome.writer, welcome.streams[0].next_seq) == ("drawn00001", 2)
    async with live.device(phone, nonce="of another") as other:
        assert (await other.hello("a:me", proposal="drawn00001")).writer != "drawn00001"

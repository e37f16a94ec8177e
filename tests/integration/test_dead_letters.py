"""Records that nobody can read, between good ones: they stop nobody, are told, and apply when they can be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest
from live_service import Live, on_live
from raw_device import RawDevice, refolded, some_event

from syncd.errors import NotFound, Refused
from syncd.log.record import Record
from syncd.model import upcast
from syncd.model.canonical import Json
from syncd.operations import dead_letters as operation
from syncd.protocol.messages import Ack
from syncd.store.port import DeadLetter, LetterFilter
from syncd.testing.poison import newer, poisoned


async def append(live: Live, *records: Record) -> int:
    """Behind every gateway's back; the offset of the first."""
    (appended,) = await live.service.deployment.log.append(records)
    assert appended.outcome == "written", appended.reason
    return appended.offset_start


async def letters_of(live: Live, *streams: str) -> Sequence[DeadLetter]:
    await live.projected()
    filter_ = LetterFilter(streams=streams)
    return [letter async for letter in operation.letters(live.service.deployment.store, filter_)]


def lift(kind: str, data: Json) -> tuple[str, Json]:
    """From version 1 to 2: nothing has changed but the number, so that what was folded stays right."""
    return kind, data


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Called, it makes this process, gateway and projector included, one that reads version 2."""

    def register() -> None:
        monkeypatch.setattr(upcast, "UPCASTERS", (lift,))
        monkeypatch.setattr(upcast, "SCHEMA_VERSION", 2)

    return register


@on_live
async def test_poison_between_good_records_stops_nobody(live: Live) -> None:
    """Live, from the ring, from the store and by snapshot: every road leads past it."""
    rng = Random(11)
    phone, laptop = await live.account("phone", "laptop")
    async with live.device(phone) as talks, live.device(laptop) as leaves:
        await talks.arrive("a:me")
        await leaves.arrive("a:me")
        await leaves.knows(await talks.emit_acked(*some_event(rng)))
        await leaves.disconnect()
        stream = f"a:{phone.account}"
        offsets = {}
        for what, record in poisoned(stream).items():
            offsets[await append(live, record)] = what
            await talks.emit_acked(*some_event(rng))
        expected = await refolded(live.service.deployment.log, stream)
        await talks.agrees(expected)
        async with leaves.connected():
            welcome = await leaves.hello("a:me")
            assert welcome.streams[0].resume == "tail"
            await leaves.agrees(expected)
        found = await letters_of(live, stream, "nobody")
        assert {letter.position.offset: offsets[letter.position.offset] for letter in found} == offsets
        fresh = live.device(laptop)
        async with fresh, live.device(phone, nonce="another-store-00") as second:
            for device in (fresh, second):
                await device.arrive("a:me")
                await device.agrees(expected)
                assert (await device.server_digest()).digest == expected
        await talks.emit_acked(*some_event(rng))


@on_live
async def test_a_seq_that_cannot_be_read_is_acknowledged_with_its_time(live: Live) -> None:
    """A newer gateway took the event and died before its ack; the device comes back to an older one."""
    (phone,) = await live.account("phone")
    async with live.device(phone) as device:
        await device.arrive("a:me")
        assert device.writer is not None
        event = device.event("settings.changed", {"theme": "dark"})
        told = newer(f"a:{phone.account}", '{"theme":"dark"}', seq=event["seq"])
        await append(live, told._replace(writer=device.writer))
        await live.projected()
        await device.cut()
        await device.connect()
        await device.hello("a:me")
        await device.say({"type": "emit", "events": [event]})
        ack = await device.expect(Ack)
        assert [(item.seq, item.seen, item.t) for item in ack.items()] == [(event["seq"], True, 5)]


def test_after_an_upgrade_a_retry_applies_it_everywhere_once(live: Live, upgrade: Callable[[], None]) -> None:
    async def before() -> tuple[RawDevice, RawDevice, str]:
        phone, laptop = await live.account("phone", "laptop")
        device, offline = await live.device(phone).connect(), await live.device(laptop).connect()
        for each in (device, offline):
            await each.arrive("a:me")
        await device.emit_acked("settings.changed", {"volume": 3})
        await offline.disconnect()
        stream = f"a:{phone.account}"
        await append(live, newer(stream, '{"theme":"dark"}', seq=1))
        await device.emit_acked("settings.changed", {"volume": 4})
        (letter,) = await letters_of(live, stream)
        work = live.service.deployment
        stays = await operation.retry(work.log, work.store, letter.position)
        assert stays.offset is None
        assert "schema version 2" in stays.reason
        assert len(await letters_of(live, stream)) == 1
        return device, offline, stream

    async def after(device: RawDevice, offline: RawDevice, stream: str) -> None:
        work = live.service.deployment
        (letter,) = await letters_of(live, stream)
        retried = await operation.retry(work.log, work.store, letter.position)
        assert retried.offset == await work.log.end(0) - 1
        assert await letters_of(live, stream) == []
        delta = await device.expect_event("settings.changed")
        assert delta.by is not None
        assert delta.by.event == f"{letter.writer}.{letter.seq}"
        await offline.connect()
        await offline.arrive("a:me")
        expected = await refolded(work.log, stream)
        for each in (device, offline):
            await each.agrees(expected)
            assert each.cells[stream]["settings/theme"].value == "dark"
            assert (await each.server_digest()).digest == expected
        # Appended once more, as by a retry that was killed before its letter went: nothing changes.
        (record,) = await work.log.read(0, retried.offset, limit=1)
        await append(live, record.record())
        await device.emit_acked("settings.changed", {"volume": 5})
        await live.projected()
        assert await refolded(work.log, stream) == device.digest()
        for each in (device, offline):
            await each.disconnect()

    held = live.run(before())
    upgrade()
    live.run(after(*held))


@on_live
async def test_a_position_must_be_one_and_name_one_letter(live: Live) -> None:
    store = live.service.deployment.store
    for text in ("", "1", "1:", ":2", "a:b", "1:-2", "1:2:3"):
        with pytest.raises(Refused, match="partition:offset"):
            await operation.find_letter(store, text)
    with pytest.raises(NotFound):
        await operation.find_letter(store, "0:99999999")
    (phone,) = await live.account("phone")
    offset = await append(live, newer(f"a:{phone.account}", "{}", seq=1))
    await live.projected()
    letter = await operation.find_letter(store, f"0:{offset}")
    assert await operation.find_letter(store, operation.position_text(letter.position)) == letter
    with pytest.raises(NotFound):
        await operation.find_letter(store, f"0:{offset}@another")

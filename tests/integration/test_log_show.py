"""Looking at the log: records as they were admitted, filters, and a tail that goes on."""

from __future__ import annotations

import asyncio
from typing import Any

from house import START_MS, House, Tell

from syncd.log.record import Record
from syncd.operations.log_show import Filter, ShownRecord, show, tail, unknown_kind


async def shown(house: House, filter_: Filter | None = None, *, from_: int | None = None) -> list[ShownRecord]:
    return [record async for record in show(house.log, filter_ or Filter(), from_=from_)]


def test_records_are_shown_as_they_were_admitted(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        event = await house.emit(phone, "settings.changed", {"theme": "dark"})
        record = (await shown(house))[-1]
        assert (record.partition, record.offset, record.event, record.kind) == (0, 1, event, "settings.changed")
        assert (record.account, record.device, record.admitted_ms) == (phone.account, phone.device, START_MS)
        assert record.data == {"theme": "dark"}

    tell(story)


def test_a_record_that_cannot_be_read_is_shown_with_its_bytes(tell: Tell) -> None:
    async def story(house: House) -> None:
        await house.append(Record("a:someone", "w" * 10, 7, "made.up", 9, b'{"t": tru\xff'))
        (record,) = await shown(house)
        assert (record.event, record.kind, record.data) == (f"{'w' * 10}.7", "made.up", '{"t": tru\ufffd')
        assert (record.t, record.device, record.admitted_ms) == (None, None, None)
        assert await shown(house, Filter(device="d")) == await shown(house, Filter(since_ms=0)) == []

    tell(story)


def test_filters_let_through_what_they_say(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone, car = await house.device("alice", "phone"), await house.device("bob", "car")
        for n in range(4):
            house.clock.ms += 1_000
            await house.emit(car if n == 3 else phone, "settings.changed", {"n": n})

        async def offsets(from_: int | None = None, **given: Any) -> list[int]:
            return [record.offset for record in await shown(house, Filter(**given), from_=from_)]

        assert await offsets() == [0, 1, 2, 3, 4, 5]
        assert await offsets(stream=f"a:{phone.account}") == [0, 2, 3, 4]
        assert await offsets(kinds=frozenset({"device.described"})) == [0, 1]
        assert await offsets(device=car.device) == [1, 5]
        assert await offsets(since_ms=START_MS + 2_000) == [3, 4, 5]
        assert await offsets(since_ms=START_MS + 2_000, until_ms=START_MS + 4_000) == [3, 4]
        assert await offsets(from_=4) == [4, 5]
        assert await offsets(from_=3, stream=f"a:{phone.account}", kinds=frozenset({"settings.changed"})) == [3, 4]

    tell(story)


def test_a_tail_begins_with_the_last_ones_and_goes_on_with_new_ones(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone, car = await house.device("alice", "phone"), await house.device("bob", "car")
        for n in range(3):
            await house.emit(phone, "settings.changed", {"n": n})
        following = tail(house.log, Filter(stream=f"a:{phone.account}"), last=2)
        seen = [(await anext(following)).data for _ in range(2)]
        assert seen == [{"n": 1}, {"n": 2}]
        coming = asyncio.ensure_future(anext(following))
        await house.emit(car, "settings.changed", {"n": "another stream"})
        await house.emit(phone, "settings.changed", {"n": 3})
        assert (await coming).data == {"n": 3}
        await following.aclose()

    tell(story)


def test_a_tail_from_a_time_begins_with_everything_since_then(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        for n in range(4):
            house.clock.ms += 1_000
            await house.emit(phone, "settings.changed", {"n": n})
        following = tail(house.log, Filter(since_ms=START_MS + 3_000), last=None)
        assert [(await anext(following)).data for _ in range(2)] == [{"n": 2}, {"n": 3}]
        await house.emit(phone, "settings.changed", {"n": 4})
        assert (await anext(following)).data == {"n": 4}
        await following.aclose()

    tell(story)


def test_a_tail_of_one_stream_rests_while_others_are_busy(tell: Tell) -> None:
    """It must not ask the log again and again because the partition's end is beyond its own stream's last record."""

    async def story(house: House) -> None:
        phone, car = await house.device("alice", "phone"), await house.device("bob", "car")
        reads, reading = 0, asyncio.Event()
        read_stream = house.log.read_stream

        async def counted(*given: Any, **more: Any) -> Any:
            nonlocal reads
            reads += 1
            reading.set()
            return await read_stream(*given, **more)

        house.log.read_stream = counted  # type: ignore[method-assign]
        coming = asyncio.ensure_future(anext(tail(house.log, Filter(stream=f"a:{phone.account}"), last=0)))
        for n in range(3):
            await house.emit(car, "settings.changed", {"n": n})
        await reading.wait()
        await house.emit(phone, "settings.changed", {"n": 1})
        await coming
        assert reads <= 6

    tell(story)


def test_an_unknown_kind_is_told_with_the_nearest() -> None:
    assert unknown_kind("list.inserted") is None
    assert unknown_kind("device.revoked") is None
    assert "'list.inserted'" in str(unknown_kind("list.insert"))

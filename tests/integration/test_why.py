"""The events behind one cell, in memory and on Postgres."""

from __future__ import annotations

import pytest
from house import START_MS, House, Tell

from syncd.errors import NotFound
from syncd.log.record import Record
from syncd.operations.why import why


def test_why_names_every_write_of_a_cell_and_the_one_that_stands(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone, car = await house.device("alice", "phone"), await house.device("alice", "car")
        first = await house.emit(phone, "settings.changed", {"theme": "dark", "size": 1})
        house.clock.ms += 5_000
        second = await house.emit(car, "settings.changed", {"theme": "light"})
        late = await house.emit(phone, "settings.changed", {"theme": "blue"}, t=(START_MS + 1_000) << 11)
        await house.emit(phone, "settings.changed", {"size": 2})
        explanation = await why(house.log, house.store, f"a:{phone.account}", "settings/theme")
        told = [(write.event, write.device_name, write.value, write.stands) for write in explanation.writes]
        assert told == [
            (first, "phone", "dark", False),
            (second, "car", "light", True),
            (late, "phone", "blue", False),
        ]
        assert [write.because for write in explanation.writes] == [
            "written 5.0 s earlier, at 2025-11-23T03:53:20.000Z",
            "",
            "written 4.0 s earlier, at 2025-11-23T03:53:21.000Z",
        ]
        assert explanation.agrees
        assert [write.offset for write in explanation.writes] == sorted(write.offset for write in explanation.writes)

    tell(story)


def test_why_tells_an_event_that_was_admitted_twice(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.emit(phone, "settings.changed", {"theme": "dark"})
        ((record,), _) = await house.log.read_stream(f"a:{phone.account}", 1, until=2, limit=1)
        await house.append(record.record())
        explanation = await why(house.log, house.store, f"a:{phone.account}", "settings/theme")
        assert [write.stands for write in explanation.writes] == [True, False]
        assert "admitted twice" in explanation.writes[1].because

    tell(story)


def test_why_of_a_cell_that_nobody_wrote_names_the_nearest(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.emit(phone, "settings.changed", {"theme": "dark"})
        with pytest.raises(NotFound, match="'settings/theme'"):
            await why(house.log, house.store, f"a:{phone.account}", "settings/teme")

    tell(story)


def test_why_counts_records_that_cannot_be_read(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.append(Record(f"a:{phone.account}", "w" * 10, 1, "settings.changed", 1, b"{"))
        explanation = await why(house.log, house.store, f"a:{phone.account}", f"device/{phone.device}/name")
        assert explanation.unreadable == 1

    tell(story)

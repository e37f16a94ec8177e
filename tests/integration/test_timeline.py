"""The timeline of a stream: who did what, which write won, which lost, to whom and why."""

from __future__ import annotations

import asyncio

from house import START_MS, House, Tell

from syncd.log.record import Record
from syncd.operations.timeline import Step, StepFilter, StreamTimeline, Timeline, follow, timeline


async def seen(house: House, stream: str, wanted: StepFilter | None = None, *, last: int = 100) -> Timeline:
    return await timeline([StreamTimeline(house.log, stream, wanted or StepFilter())], last=last)


async def quarrel(house: House) -> str:
    """The phone says dark, the car light, and then comes what the phone had said in between; the stream."""
    phone, car = await house.device("alice", "phone"), await house.device("alice", "car")
    await house.emit(phone, "settings.changed", {"theme": "dark", "size": 1})
    house.clock.ms += 5_000
    await house.emit(car, "settings.changed", {"theme": "light"})
    await house.emit(phone, "settings.changed", {"theme": "blue"}, t=(START_MS + 1_000) << 11)
    return f"a:{phone.account}"


def themes(steps: list[Step]) -> list[tuple[str | None, str, str | None]]:
    """Per write of the theme: whose it is, what became of it, and who decided."""
    writes = [(step, write) for step in steps for write in step.writes if write.key == "settings/theme"]
    by_event = {step.event: step.device_name for step in steps}
    return [(step.device_name, write.outcome, by_event[write.by.event] if write.by else None) for step, write in writes]


def test_every_write_says_what_became_of_it_and_who_decided(tell: Tell) -> None:
    async def story(house: House) -> None:
        found = await seen(house, await quarrel(house))
        assert themes(found.steps) == [
            ("phone", "replaced", "car"),
            ("car", "stands", None),
            ("phone", "lost", "car"),
        ]
        (late,) = found.steps[-1].writes
        assert late.because == "written 4.0 s earlier, at 2025-11-23T03:53:21.000Z"
        over = found.steps[-2].writes[0].over
        assert over is not None
        assert over.event == found.steps[-3].event
        assert [step.says for step in found.steps[-3:]] == [
            'set theme = "dark", size = 1',
            'set theme = "light"',
            'set theme = "blue"',
        ]

    tell(story)


def test_an_event_that_was_admitted_twice_repeats_itself(tell: Tell) -> None:
    async def story(house: House) -> None:
        stream = await quarrel(house)
        ((record,), _) = await house.log.read_stream(stream, 3, until=4, limit=1)
        await house.append(record.record())
        assert (await seen(house, stream)).steps[-1].writes[0].outcome == "repeated"

    tell(story)


def test_filters_choose_what_shows_and_never_what_won(tell: Tell) -> None:
    async def story(house: House) -> None:
        stream = await quarrel(house)
        phone = (await seen(house, stream)).steps[-1].device

        async def says(*, last: int = 100, **given: object) -> list[str]:
            return [step.says for step in (await seen(house, stream, StepFilter(**given), last=last)).steps]  # type: ignore[arg-type]

        assert await says(lost_only=True) == ['set theme = "blue"']
        assert await says(key="settings/s*") == ['set theme = "dark", size = 1']
        assert await says(kinds=frozenset({"settings.changed"}), since_ms=START_MS + 5_000, device=phone) == [
            'set theme = "blue"'
        ]
        assert len(await says(until_ms=START_MS + 1)) == 3
        cut = await seen(house, stream, last=1)
        assert (len(cut.steps), cut.left_out) == (1, 4)
        assert cut.steps[0].writes[0].outcome == "lost"

    tell(story)


def test_a_record_that_nobody_can_read_is_there_and_says_so(tell: Tell) -> None:
    async def story(house: House) -> None:
        stream = await quarrel(house)
        await house.append(Record(stream, "w" * 10, 1, "settings.changed", 1, b"{"))
        step = (await seen(house, stream)).steps[0]  # without a time it sorts first
        assert (step.event, step.says, step.writes) == (f"{'w' * 10}.1", "cannot be read by this version", [])

    tell(story)


def test_a_trimmed_log_shows_what_is_left_and_where_it_begins(tell: Tell) -> None:
    async def story(house: House) -> None:
        stream = await quarrel(house)
        await house.log.trim(0, 3)  # type: ignore[attr-defined]
        found = await seen(house, stream)
        assert found.begins_at == {stream: 3}
        assert [step.offset for step in found.steps] == [3, 4]

    tell(story)


def test_following_goes_on_where_the_first_look_ended(tell: Tell) -> None:
    async def story(house: House) -> None:
        stream = await quarrel(house)
        streams = [StreamTimeline(house.log, stream, StepFilter(key="settings/theme"))]
        assert len((await timeline(streams, last=100)).steps) == 3
        coming = follow(house.log, streams, wait_s=5.0)
        car = next(device for device in await house.accounts.devices(stream[2:]) if device.name == "car")
        news = asyncio.ensure_future(anext(coming))
        device = await house.device("alice", "tablet")
        await house.emit(device, "settings.changed", {"theme": "late"}, t=1)
        step = await news
        assert (step.device_name, step.writes[0].outcome) == ("tablet", "lost")
        assert step.writes[0].by is not None
        assert step.writes[0].by.device == car.device
        await coming.aclose()  # type: ignore[attr-defined]

    tell(story)

"""A long playlist on a new device, with syncd's own SDK: from the first packet to the whole list on its screen."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from load.generator.job import Job, Outcome, Step
from load.generator.spread import milliseconds, spread
from load.generator.window import Window
from load.scenarios import Opening
from syncd.client import Device
from syncd.client.playlist import new_playlist_id
from syncd.limits import ITEMS_MAX
from syncd.protocol.version import PATH

TIMEOUT_S = 60.0


async def opening(job: Job, scenario: Opening, window: Window, tell: Callable[[Step], None]) -> Outcome:
    """See `Opening`. Raises `TimeoutError` when a device does not show the list."""
    if job.adapter != "syncd":
        raise ConnectionError(f"{job.adapter} has no playlists")
    url = f"ws://{job.host}:{job.port}{PATH}"
    writer, *openers = (Device(url, token) for token in job.logins[0])
    name = new_playlist_id()
    tracks = [f"track {number}" for number in range(scenario.items)]
    async with writer:
        mine = writer.playlist(name)
        for start in range(0, scenario.items, ITEMS_MAX):
            mine.add(*tracks[start : start + ITEMS_MAX])
        await writer.settled(timeout_s=TIMEOUT_S)
        took_ns: list[int] = []
        window.open()
        for number, device in enumerate(openers):
            theirs = device.playlist(name)
            began_ns = time.perf_counter_ns()
            async with device:
                await device.until(lambda: len(theirs) == scenario.items, timeout_s=TIMEOUT_S)  # noqa: B023 - awaited
                took_ns.append(time.perf_counter_ns() - began_ns)
                if theirs.tracks != tracks:
                    raise ConnectionError(f"device {number} shows another list than was written")
            tell(Step("openings", number + 1, len(openers)))
        outcome = window.close()
    figures = {"openings": float(len(took_ns)), **milliseconds("open", took_ns)}
    return replace(outcome, latency=spread(took_ns), figures=figures)

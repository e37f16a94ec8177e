"""A playlist of 10,000: how much of it is in the page, and what scrolling and dragging cost."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import CDPSession
from stage import Stage, on_stage
from tabs import until

pytestmark = pytest.mark.e2e

ITEMS = 10_000
ROWS_MAX = 60
"""In the page at once: what a window of 800 pixels shows, and some above and below."""
_WATCH = """() => {
  window.longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((task) => task.duration)))
    .observe({ type: 'longtask' });
  window.scripts = [];
  const scriptsOf = (frame) => frame.scripts.map((script) => script.duration);
  new PerformanceObserver((list) => scripts.push(...list.getEntries().flatMap(scriptsOf)))
    .observe({ type: 'long-animation-frame' });
}"""


async def script_ms(devtools: CDPSession) -> float:
    """Time that the tab has spent in JavaScript."""
    metrics: Any = await devtools.send("Performance.getMetrics")
    return 1_000 * float(next(each["value"] for each in metrics["metrics"] if each["name"] == "ScriptDuration"))


@on_stage
async def test_ten_thousand_tracks_scroll_and_are_put_in_order(stage: Stage, measured: Callable[[str], None]) -> None:
    laptop, kitchen = await stage.account("Laptop", "Kitchen")
    radio = await stage.device(kitchen)
    long = radio.create_playlist("Long")
    long.add(*({"track": f"t{n}", "title": f"Track {n}"} for n in range(ITEMS)))
    await radio.settled()
    ann = await stage.opened(laptop)
    await ann.visits(f"/playlist/{long.id}")
    await until(ann.tab, "document.querySelector('article .tracks')?.offsetHeight === 560000")
    await ann.settles()
    rows = ann.list.locator("li")
    await ann.tab.evaluate(_WATCH)
    devtools = await ann.tab.context.new_cdp_session(ann.tab)
    await devtools.send("Performance.enable")

    await ann.tab.mouse.move(600, 500)
    for _ in range(40):
        await ann.tab.mouse.wheel(0, 1_700)
        assert await rows.count() <= ROWS_MAX
    await ann.tab.evaluate("document.getElementById('main').scrollTop = 1e9")
    await until(ann.tab, "document.querySelector('article [aria-posinset=\"10000\"]') !== null")
    assert await rows.count() <= ROWS_MAX
    longest = max(await ann.tab.evaluate("longTasks"), default=0)
    script = max(await ann.tab.evaluate("scripts"), default=0)
    measured(
        f"longest task of 40 turns of the wheel and a jump to the end: {longest:.0f} ms (goal: 100), "
        f"longest script: {script:.0f} ms; {os.getloadavg()[0]:.1f} processes wanted {os.cpu_count()} cores"
    )

    before_ms = await script_ms(devtools)
    await ann.drags("Track 9996", to=await rows.count() - 2, within=ann.list)
    drag_ms = await script_ms(devtools) - before_ms
    await radio.until(lambda: long.slice(ITEMS - 2, ITEMS - 1)[0].item["track"] == "t9996")
    measured(f"script of dragging one of {ITEMS} tracks by two places: {drag_ms:.0f} ms (goal: 50)")
    assert await ann.agrees(long.stream)

"""The store of the TypeScript SDK in a real Chromium: one IndexedDB database, and several tabs that write to it."""

from __future__ import annotations

import asyncio
import time

import pytest
from sdk_tab import SdkTab
from stage import Stage, on_stage

pytestmark = pytest.mark.e2e

TABS = 3
EACH = 20
"""Edits of each tab: enough that tabs are second to a number again and again."""
HEAD_START_MS = 500
"""Until all tabs begin in the same moment."""

EDIT = """
await new Promise((resolve) => setTimeout(resolve, beginMs - Date.now()));
for (let n = 0; n < each; n++) {
  device.queue.add(`${tab}.${n}`);
  if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve));
}
await device.stored();
"""


@on_stage
async def test_what_killed_tabs_have_saved_side_by_side_is_all_there_once_and_in_order(stage: Stage) -> None:
    """Each tab guesses numbers that the others take as well; a guess that is not corrected would lose an edit."""
    web, phone = await stage.account("web", "phone")
    tabs = await stage.sdk_tabs(web, TABS)
    context = tabs[0].page.context
    await context.set_offline(True)
    for tab in tabs:
        await tab.until("!device.connected")
    begin_ms = time.time_ns() // 1_000_000 + HEAD_START_MS
    await asyncio.gather(*[tab.run(EDIT, tab=n, each=EACH, beginMs=begin_ms) for n, tab in enumerate(tabs)])
    for tab in tabs:
        await tab.until("device.queue.length === count", count=TABS * EACH)
    orders = [await tab.run("return device.queue.tracks") for tab in tabs]
    assert all(order == orders[0] for order in orders), "every tab shows the same before anything is sent"
    late = SdkTab(await context.new_page())
    for tab in tabs:
        await tab.crash()
        await tab.close()  # a tab that has crashed cannot be told that there is a network again
    await context.set_offline(False)
    await late.open(stage.url, web.token)
    device = await stage.device(phone)
    await device.until(lambda: len(device.queue) == TABS * EACH)
    for maker in range(TABS):
        made = [track for track in device.queue.tracks if track.startswith(f"{maker}.")]
        assert made == [f"{maker}.{n}" for n in range(EACH)]
    await late.run("await device.settled();")
    verified = await late.run("return device.verify();")
    assert verified["agrees"], verified
    assert verified["ours"] == (await device.verify()).ours
    await late.close()

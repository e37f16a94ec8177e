"""What people who use a keyboard, a screen reader or a magnifier would stumble over, as axe-core finds it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from playwright.async_api import Page

_AXE: Final = Path(__file__).with_name("vendor") / "axe.js"
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_SERIOUS: Final = frozenset({"serious", "critical"})


async def barriers(page: Page) -> list[str]:
    """Serious and critical findings on what the tab shows now: rule, what to do, and up to three places."""
    await page.evaluate(_AXE.read_text())  # through the debugger: the page's own policy admits no script of others
    found = await page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", _RULES)
    return [
        f"{finding['id']}: {finding['help']}: "
        + "; ".join(f"{node['target']} {node['failureSummary']}" for node in finding["nodes"][:3])
        for finding in found["violations"]
        if finding["impact"] in _SERIOUS
    ]

"""How the demo shows itself: panels on a terminal, lines elsewhere, nothing where only the outcome is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final, Protocol

from syncd.cli import output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from syncd.client.device import Device

ROWS_MAX: Final = 6
"""Entries shown of a queue or a playlist."""
TOLD_MAX: Final = 12
"""Lines about what happened that stay in sight."""
FRAMES_PER_S: Final = 8
"""How often the panels are drawn anew; what plays moves on by itself."""


class Screen(Protocol):
    """Where the demo is seen."""

    def tell(self, what: str) -> None:
        """Say what is happening."""

    def running(self) -> AbstractContextManager[object]:
        """Show the devices for as long as this is open."""


class SilentScreen:
    """Nothing: a program wants the outcome only."""

    def tell(self, what: str) -> None:
        return

    def running(self) -> AbstractContextManager[object]:
        return nullcontext()


class LinesScreen:
    """A line for each thing that happens."""

    def tell(self, what: str) -> None:
        output.result(what)
        output.flush()

    def running(self) -> AbstractContextManager[object]:
        return nullcontext()


class LiveScreen:
    """A panel for each device, side by side, and below them what happens."""

    def __init__(self, devices: Sequence[tuple[str, Device]]) -> None:
        self._devices = devices
        self._names = {device.device_id: name for name, device in devices}
        self._told: list[str] = []

    def tell(self, what: str) -> None:
        self._told = [*self._told, what][-TOLD_MAX:]

    def running(self) -> AbstractContextManager[object]:
        from rich.live import Live

        return Live(get_renderable=self._draw, refresh_per_second=FRAMES_PER_S, transient=False)

    def _draw(self) -> RenderableType:
        from rich.columns import Columns
        from rich.console import Group
        from rich.text import Text

        self._names.update({device.device_id: name for name, device in self._devices})
        panels = Columns([self._panel(name, device) for name, device in self._devices], equal=True, expand=True)
        told = Text("\n".join(f"  {what}" for what in self._told), style="dim")
        if self._told:
            told.stylize("bold not dim", told.plain.rfind("\n") + 1)
        return Group(panels, told)

    def _panel(self, name: str, device: Device) -> RenderableType:
        from rich.panel import Panel
        from rich.text import Text

        text = Text()
        text.append(self._now_playing(device) + "\n", style="bold")
        text.append("\nqueue\n", style="dim")
        text.append(_rows(device.queue.tracks))
        for playlist in device.playlists:
            text.append(f"\n{playlist.name}\n", style="dim")
            text.append(_rows(playlist.tracks))
        if device.owed:
            text.append(f"\n{device.owed} not sent yet", style="yellow")
        colour = "green" if device.connected else "red"
        return Panel(text, title=f"{name} [{colour}]●[/]", subtitle=device.state.value, border_style=colour)

    def _now_playing(self, device: Device) -> str:
        now = device.playback
        if now is None:
            return "nothing plays"
        seconds = now.position_ms // 1_000
        sign = "▶" if now.playing else "⏸"
        return (
            f"{sign} {now.item.track}  {seconds // 60}:{seconds % 60:02}\non {self._names.get(now.device, now.device)}"
        )


def _rows(tracks: Sequence[str]) -> str:
    shown = [f"  {track}\n" for track in tracks[:ROWS_MAX]]
    more = len(tracks) - len(shown)
    return "".join(shown) + (f"  and {more} more\n" if more > 0 else "") or "  -\n"

"""A process that does not hold the connection of its store acts through the one that does."""

from __future__ import annotations

from pathlib import Path

from desk import TIMEOUT_S, Wire, data_of, device_on, played

from syncd.client import DeviceState


@played
async def test_what_is_started_beside_a_connected_process_is_the_accounts_session(wire: Wire, tmp_path: Path) -> None:
    """It was detached: nobody else saw it, though it was sent within a tenth of a second."""
    store = str(tmp_path / "s.db")
    async with device_on(wire, store=store) as owner, device_on(wire, store=store) as other:
        server = await wire.accepted()
        await server.take_in()
        await owner.ready(timeout_s=TIMEOUT_S)
        await other.until(lambda: other.state is DeviceState.STANDBY, timeout_s=TIMEOUT_S)
        other.play("t1")
        (start,) = await server.heard_events()
        assert (start.kind, data_of(start).get("detached", False)) == ("playback.started", False)
        wire.is_down = True
        server.hang_up()
        await owner.until(lambda: not owner.connected, timeout_s=TIMEOUT_S)
        other.play("t2")
        assert other.playback is not None
        assert (other.playback.item.track, other.playback.detached) == ("t2", True)

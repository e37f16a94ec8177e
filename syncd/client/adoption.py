"""What becomes of a session that a device began without a connection, when it is connected again.

If nothing plays elsewhere, it becomes the account's session by itself. If something does, the device stays with its
own, and the listener is offered to play here. Source: merge.md section 3.2, "Client policy".
"""

from __future__ import annotations

from syncd.client.done import Done
from syncd.client.player import Player


def adopt_if_free(player: Player) -> Done | None:
    """Adopt this device's detached session, unless a live one plays. Call it once the account's stream is in step."""
    view, live = player.view, player.live
    if view is None or not view.detached:
        return None
    if live is not None and live.playing and not live.stale:
        return None
    return player.play_here()

"""What people typed, as edits of playlists on several devices, through real sockets: all end with the recorded text.

The whole of it, with figures: `python -m load.recorded`.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from load.recorded import TURNS, read_history, replay
from syncd.testing.server_process import ServerProcess

TRANSACTIONS = {
    # One device types on without waiting, so a transaction takes less than a millisecond.
    "sveltecomponent": 3_000,
    # Each waits for the one before, from device to device: some milliseconds.
    "friendsforever_flat": 1_000,
}
"""How many of their first ones, but in deep runs: all of it takes minutes."""
IS_DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"


@pytest.mark.parametrize("devices", [2, 3])
@pytest.mark.parametrize("name", TRANSACTIONS)
@pytest.mark.timeout(600 if IS_DEEP else 120)
def test_every_device_ends_with_the_recorded_text(server: ServerProcess, name: str, devices: int) -> None:
    try:
        history = read_history(name, transactions=None if IS_DEEP else TRANSACTIONS[name])
    except FileNotFoundError as error:
        pytest.skip(str(error))
    replayed = asyncio.run(replay(server, name, history, devices=devices, turn=TURNS[name]))
    assert replayed.is_text, "a device shows another text than was recorded"
    assert replayed.agrees, "a device's digest differs from the server's"
    assert replayed.entries == len(history.text) > 500

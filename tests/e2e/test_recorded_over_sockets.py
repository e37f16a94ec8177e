"""What people typed, as edits of playlists on several devices, through real sockets: all end with the recorded text.

The whole of it, with figures: `python -m load.recorded`. One of them ends with more than the 20,000 entries that a list
holds by default, hence a server of their own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from load.recorded import TURNS, read_history, recording_server, replay
from syncd.testing.server_process import ServerProcess

TRANSACTIONS = {
    # One device types on without waiting, so a transaction takes less than a millisecond.
    "sveltecomponent": 3_000,
    # Each waits for the one before, from device to device: some milliseconds.
    "friendsforever_flat": 1_000,
}
"""How many of their first ones, but in deep runs: all of it takes minutes."""
IS_DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with recording_server(tmp_path_factory.mktemp("recorder")) as process:
        yield process


@pytest.mark.parametrize("devices", [2, 3])
@pytest.mark.parametrize("name", TRANSACTIONS)
@pytest.mark.timeout(600)
def test_every_device_ends_with_the_recorded_text(recorder: ServerProcess, name: str, devices: int) -> None:
    try:
        history = read_history(name, transactions=None if IS_DEEP else TRANSACTIONS[name])
    except FileNotFoundError as error:
        pytest.skip(str(error))
    replayed = asyncio.run(replay(recorder, name, history, devices=devices, turn=TURNS[name]))
    assert replayed.is_text, "a device shows another text than was recorded"
    assert replayed.agrees, "a device's digest differs from the server's"
    assert replayed.entries == len(history.text) > 500

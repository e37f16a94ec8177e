"""What released versions said and stored: their bytes still mean what they meant.

The files under recorded/ are never made anew. A version that is released adds its own: copies of its messages.json and
lowering.json of schemas/vectors. Devices keep their programs for years, and a log keeps its events for ever.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from syncd.model.cells import Cell
from syncd.model.events import Event
from syncd.model.lowering import lower
from syncd.model.upcast import event_data
from syncd.protocol.codec import JSON, MSGPACK
from syncd.protocol.version import WIRE_VERSION, WIRE_VERSION_MIN

FOLDER = Path(__file__).with_name("recorded")


def recorded(file: str) -> list[Any]:
    found = []
    for path in sorted(FOLDER.glob(f"v*_{file}.json")):
        version = int(path.name.partition("_")[0].removeprefix("v"))
        cases = json.loads(path.read_text())["cases"]
        found += [
            pytest.param(version, case["input"], case["expected"], id=f"v{version} {case['name']}") for case in cases
        ]
    return found


def holds(new: Any, old: Any) -> bool:
    """Whether a structure still says all that the old one did; it may say more."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(name in new and holds(new[name], value) for name, value in old.items())
    if isinstance(old, list):
        return isinstance(new, list) and len(new) == len(old) and all(map(holds, new, old))
    return bool(new == old) and type(new) is type(old)


def test_every_version_that_is_spoken_is_recorded() -> None:
    versions = {case.values[0] for case in recorded("messages")}
    assert versions >= set(range(WIRE_VERSION_MIN, WIRE_VERSION + 1))


@pytest.mark.parametrize(("version", "given", "expected"), recorded("messages"))
def test_recorded_messages_still_mean_the_same(version: int, given: Any, expected: Any) -> None:
    for codec, payload in ((JSON, given["json"].encode()), (MSGPACK, bytes.fromhex(given["msgpack"]))):
        message = codec.decode_client(payload) if given["from"] == "client" else codec.decode_server(payload)
        assert holds(codec.decode_value(codec.encode(message)), expected)


@pytest.mark.parametrize(("version", "given", "expected"), recorded("lowering"))
def test_recorded_events_still_write_the_same(version: int, given: Any, expected: Any) -> None:
    kind, data = event_data(version, given["kind"], json.dumps(given["data"]).encode())
    event = Event(given["stream"], given["writer"], given["seq"], given["t"], kind, data)
    assert lower(event) == {key: Cell(rank, value) for key, (rank, value) in expected.items()}

"""Frames that nest too deep never reach a decoder."""

from __future__ import annotations

import msgspec
import pytest

from syncd.errors import InvalidEvent, Unreadable
from syncd.limits import NESTING_MAX
from syncd.model.validate import check
from syncd.protocol.depth import check_depth_json, check_depth_msgpack


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


def test_the_deepest_frame_passes_and_one_deeper_does_not() -> None:
    check_depth_json(msgspec.json.encode(nested(NESTING_MAX)))
    check_depth_msgpack(msgspec.msgpack.encode(nested(NESTING_MAX)))
    with pytest.raises(Unreadable, match=f"deeper than {NESTING_MAX}"):
        check_depth_json(msgspec.json.encode(nested(NESTING_MAX + 1)))
    with pytest.raises(Unreadable, match=f"deeper than {NESTING_MAX}"):
        check_depth_msgpack(msgspec.msgpack.encode(nested(NESTING_MAX + 1)))


def test_a_frame_that_only_opens_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        check_depth_json(b"[" * 100_000)


def test_whatever_an_event_may_hold_fits_into_a_frame_and_into_a_delta() -> None:
    """Else an SDK would accept an event, and the gateway would close the socket on it, again and again."""
    for depth in range(1, NESTING_MAX + 1):
        data = {"deep": nested(depth)}
        try:
            check("settings.changed", data, stream="a:9f3c")
        except InvalidEvent:
            break
        emit = {"type": "emit", "events": [{"stream": "a:me", "seq": 1, "data": data}]}
        delta = {"type": "delta", "cells": [["settings/deep", "rank", data]]}
        for message in (emit, delta):
            check_depth_json(msgspec.json.encode(message))
            check_depth_msgpack(msgspec.msgpack.encode(message))
    assert depth == NESTING_MAX - 3, "and nothing less deep is refused"

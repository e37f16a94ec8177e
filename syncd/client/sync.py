"""A device for scripts and threads, without asyncio.

    from syncd.client.sync import Device

    with Device(url, token, store="script.db") as device:
        device.ready()
        device.queue.add("track-1")
        device.settled()

It is the same device, with an event loop in a thread of its own. Callbacks are called in that thread.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from syncd import __version__
from syncd.client import device as on_asyncio
from syncd.client.clocks import DeviceClock
from syncd.client.connector import DeviceState
from syncd.client.context import Contexts, Radio
from syncd.client.device import TIMEOUT_S, Verified
from syncd.client.face import Face
from syncd.client.link import Connect
from syncd.client.websocket_link import connect_websocket
from syncd.errors import SyncdError
from syncd.protocol.client_session import OWN_STREAM

T = TypeVar("T")

STOP_TIMEOUT_S = 10.0
"""How long closing may take: a polite goodbye to the server, and the last write to the disk."""

"""The Python SDK: a device that shows the account's truth and acts on it, with and without a connection.

    from syncd.client import Device              on asyncio
    from syncd.client.sync import Device         for scripts and threads

How to use it is in docs/howto/python-sdk.md. It merges with the same code as the server: `syncd.model`.
"""

from __future__ import annotations

from syncd.client.change import Change, Refusal
from syncd.client.connector import DeviceState
from syncd.client.device import Device
from syncd.client.done import Done, Undo
from syncd.client.engine import Verified
from syncd.client.errors import NotReady, NotSettled, OtherAccount, StoreBusy, UndoGone
from syncd.client.own_event import Outcome
from syncd.client.playlist import Playlist
from syncd.client.renderer import Renderer

__all__ = [
    "Change",
    "Device",
    "DeviceState",
    "Done",
    "NotReady",
    "NotSettled",
    "OtherAccount",
    "Outcome",
    "Playlist",
    "Refusal",
    "Renderer",
    "StoreBusy",
    "Undo",
    "UndoGone",
    "Verified",
]

"""Who emits."""

from __future__ import annotations

from msgspec import Struct


class Author(Struct, frozen=True):
    """One device of an account, and the region that its gateway is in."""

    account: str
    device: str
    region: str

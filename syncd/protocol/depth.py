"""How deep a frame may nest, asked of its bytes before any decoder sees it: decoders fail by recursion on deep input.

Both checks are linear, never recurse, and cost two passes in C on ordinary frames. Source: hazards.md, "Measured".
"""

from __future__ import annotations

from syncd.errors import Unreadable
from syncd.limits import NESTING_MAX
from syncd.model.raw import json_nests_deeper, msgpack_nests_deeper


def check_depth_json(data: bytes) -> None:
    """Let through what nests at most `limits.NESTING_MAX` deep; the rest of readability is the decoder's to judge.

    Raises:
        Unreadable: it nests deeper, or its brackets do not pair up.
    """
    if json_nests_deeper(data, NESTING_MAX):
        raise Unreadable(f"arrays and objects nest deeper than {NESTING_MAX}, or their brackets do not pair up")


def check_depth_msgpack(data: bytes) -> None:
    """Let through what nests at most `limits.NESTING_MAX` deep; the rest of readability is the decoder's to judge.

    Raises:
        Unreadable: it nests deeper.
    """
    if msgpack_nests_deeper(data, NESTING_MAX):
        raise Unreadable(f"arrays and maps nest deeper than {NESTING_MAX}")

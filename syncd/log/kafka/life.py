"""Which life of the log a topic holds."""

from __future__ import annotations

from hashlib import sha256

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_EPOCH_CHARS = 12
"""36^12 is 2^62: two lives of one deployment will not meet by chance."""


def epoch_name(topic_id: bytes, marker: str) -> str:
    """The same everywhere and for ever for the same life.

    Args:
        topic_id: drawn by the cluster when the topic was created.
        marker: of the deployment, drawn again by `syncd migrate --new-epoch`: a topic that lost records keeps its id.
    """
    number = int.from_bytes(sha256(topic_id + marker.encode()).digest(), "big")
    digits = []
    for _ in range(_EPOCH_CHARS):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)

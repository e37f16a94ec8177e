"""Ids and tokens: what is drawn at random, and what is kept of it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Final

TOKEN_PREFIX: Final = "syncd_"  # noqa: S105 - says what the secret is, so that scanners of leaked secrets can find it
TOKEN_BYTES: Final = 32
"""256 bits: nobody guesses one, and a plain hash is enough to keep it."""
ID_LENGTH: Final = 12
"""Characters `[0-9a-z]` of an account's or device's id. They hold 62 bits: two alike among a million have a chance of
one in ten million, and the table's key refuses the second."""
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class Mint:
    """Draws ids and tokens. The source of its bytes is a port, so that a simulation can repeat a run."""

    def __init__(self, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._random_bytes = random_bytes

    def id(self) -> str:
        """A new account's or device's id."""
        # 128 bits make 36^12 ids equally likely up to a difference of 2^-66.
        number = int.from_bytes(self._random_bytes(16), "big")
        characters = []
        for _ in range(ID_LENGTH):
            number, digit = divmod(number, len(_DIGITS))
            characters.append(_DIGITS[digit])
        return "".join(characters)

    def token(self) -> str:
        """A new device's secret."""
        return TOKEN_PREFIX + base64.urlsafe_b64encode(self._random_bytes(TOKEN_BYTES)).decode().rstrip("=")


def token_hash(token: str) -> bytes:
    """What is kept of a token. Any text has one, also what could never have been a token."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()

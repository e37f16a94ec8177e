"""Text that may cross the wire in an `error` or a `nack`: it may quote what a client sent, but never much of it.

Decoders quote client text in their errors. Cut and escaped, it cannot fill a log, forge a line of it, or steer the
terminal that somebody reads it in.
"""

from __future__ import annotations

PUBLIC_TEXT_CHARS_MAX = 200
"""Characters of one text; holds our longest sentence with a value and a limit in it. What is beyond it is cut."""


def public_text(text: str) -> str:
    """The text, cut to `PUBLIC_TEXT_CHARS_MAX`, with what does not print (controls, surrogates) as escapes.

    Idempotent: a text that went through is returned as it is.
    """
    if len(text) <= PUBLIC_TEXT_CHARS_MAX and text.isprintable():
        return text
    # Escapes are longer than what they stand for, so no more than this much of the text can be needed.
    shown = "".join(c if c.isprintable() else _escaped(c) for c in text[:PUBLIC_TEXT_CHARS_MAX])
    if len(text) <= PUBLIC_TEXT_CHARS_MAX and len(shown) <= PUBLIC_TEXT_CHARS_MAX:
        return shown
    return shown[: PUBLIC_TEXT_CHARS_MAX - 1] + "…"


CLOSE_REASON_BYTES_MAX = 123
"""Bytes of the reason in a close frame. Source: RFC 6455 section 5.5."""


def close_reason(text: str) -> str:
    """The text, cut to what a close frame holds, between characters."""
    return public_text(text).encode()[:CLOSE_REASON_BYTES_MAX].decode(errors="ignore")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")

"""Cursors: what a device presents when it comes back.

On the wire a cursor is opaque text. Inside it holds which stream it is of, the stream's generation, the log's epoch,
the partition and the offset of the next record. A cursor of another stream, generation or life of the log is no error:
the device gets a snapshot.
"""

from __future__ import annotations

from hashlib import sha256

from syncd.limits import SAFE_INTEGER_MAX


def cursor_prefix(stream: str, *, generation: int, epoch: str, partition: int) -> str:
    """Everything of a stream's cursors but the offset, so that a cursor costs one concatenation."""
    tag = sha256(stream.encode()).hexdigest()[:8]
    return f"{tag}.{generation}.{epoch}.{partition}."


def offset_of(cursor: str | None, prefix: str) -> int | None:
    """The offset in a cursor, or None when it is not one of this stream, generation, epoch and partition."""
    if cursor is None or not cursor.startswith(prefix):
        return None
    digits = cursor[len(prefix) :]
    # isascii: str.isdigit alone accepts digits of every script, and int() would read them.
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 16:
        return None
    offset = int(digits)
    return offset if offset <= SAFE_INTEGER_MAX else None

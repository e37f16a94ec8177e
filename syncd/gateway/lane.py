"""One writer's way into one stream: whatever is asked about each of its events there, one look away."""

from __future__ import annotations

from typing import Final

from syncd.gateway.author import Author
from syncd.gateway.ledger import StreamLedger, WriterLedger
from syncd.model.events import EVENTS, SERVER_KINDS
from syncd.model.validate import stream_accepts

OWN_KINDS: Final = frozenset(kind for kind in EVENTS if kind not in SERVER_KINDS and stream_accepts(kind, "a:"))
"""What an account may emit into its own stream, which no role can change."""


class Rules:
    """What admission must ask about the stream; the gateway's `Guard` answers.

    Attributes:
        owner: account of a playlist's owner, None while nobody wrote to it; of an account's own stream, the account.
        looks_full: whether some list may have no room for one more event. Until then, none is asked for its room.
    """

    owner: str | None
    looks_full: bool

    def kinds_of(self, account: str) -> frozenset[str]:
        """Kinds that the account may emit on the stream whatever becomes of roles. Of others, `may_write` tells."""
        raise AssertionError("abstract")

    def may_write(self, account: str, kind: str) -> bool:
        """Whether this account may emit this kind on the stream, by the roles as they are now."""
        raise AssertionError("abstract")

    def list_room(self, list_name: str) -> int:
        """How many items the list may still take."""
        raise AssertionError("abstract")


class Lane:
    """See the module. Made when an event first comes; ledger and rules are the ones that live on beside it.

    Attributes:
        stream: with `a:me` resolved.
        ledger: the writer's on this stream.
        kinds: see `Rules.kinds_of`.
    """

    __slots__ = ("author", "kinds", "ledger", "rules", "stream", "writer")

    def __init__(
        self, stream: str, *, author: Author, writer: WriterLedger, ledger: StreamLedger, rules: Rules
    ) -> None:  # fmt: skip
        self.stream = stream
        self.author = author
        self.writer = writer
        self.ledger = ledger
        self.rules = rules
        self.kinds = rules.kinds_of(author.account)

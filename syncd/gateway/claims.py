"""Which streams a hello gets: each once, as many as a connection may have, by the names they really have."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.limits import SUBSCRIPTIONS_MAX
from syncd.model.ids import is_stream
from syncd.protocol.messages import Error, StreamClaim


def resolved_claims(claims: Sequence[StreamClaim], own_stream: str) -> tuple[list[StreamClaim], list[Error]]:
    """The claims to serve, in hello's order, and what to say about the others."""
    if len(claims) == 1 and claims[0].stream == "a:me":  # as nearly always
        return [StreamClaim(own_stream, claims[0].cursor, claims[0].last_seq)], []
    resolved: dict[str, StreamClaim] = {}
    errors: list[Error] = []
    for claim in claims:
        stream = own_stream if claim.stream == "a:me" else claim.stream
        if stream != own_stream and not is_stream(stream):
            errors.append(Error("invalid", f"{stream[:100]} is no stream", stream[:100]))
        elif stream not in resolved:
            resolved[stream] = StreamClaim(stream, claim.cursor, claim.last_seq)
    if len(resolved) > SUBSCRIPTIONS_MAX:
        errors.append(Error("limit", f"{len(resolved)} streams in hello; the first {SUBSCRIPTIONS_MAX} were taken"))
    return list(resolved.values())[:SUBSCRIPTIONS_MAX], errors

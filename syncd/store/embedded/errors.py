"""The one error that leaves this package."""

from syncd.errors import StoreUnavailable


class EmbeddedPostgresError(StoreUnavailable):
    """The embedded Postgres cannot be had; the sentence says what stands in the way and what to do about it."""

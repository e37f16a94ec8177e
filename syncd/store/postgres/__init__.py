"""The store in Postgres 15 or newer, through plain SQL in `syncd/store/queries/`."""

from syncd.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]

"""The log as a Postgres table: the default. Source: docs/decisions/0004-postgres-log.md"""

from syncd.log.postgres.log import PostgresLog

__all__ = ["PostgresLog"]

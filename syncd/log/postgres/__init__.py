"""The log as a Postgres table: the default. Source: docs/decisions/0004-postgres-log.md"""

from syncd.log.postgres.log import LogClosed, PostgresLog

__all__ = ["LogClosed", "PostgresLog"]

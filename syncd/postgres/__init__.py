"""How we speak to Postgres: connections, statements from files, notifications, and what the driver's errors mean.

Shared by the adapters of the log and of the store, which know nothing of each other. The only rooms beside it that import
asyncpg are those adapters and the companions' tables.
"""

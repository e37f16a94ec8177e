"""How we speak to Postgres: connections, statements from files, notifications, and what the driver's errors mean.

Shared by the adapters of the log and of the store, which know nothing of each other, and by the companions' tables.
"""

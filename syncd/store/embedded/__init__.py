"""A bundled Postgres that is there while somebody uses it, and gone when nobody does.

The words of this package:

- *data folder*: what the operator names (`./syncd-data`); the *cluster* is Postgres' own folder `postgres` in it.
- *supervisor*: one detached process per data folder that owns the lock, runs Postgres as its child and stops it.
- *member*: a syncd process that has joined, shown by an open connection to the supervisor; when the last one is closed,
  by its owner or by the kernel after a kill, the supervisor stops Postgres and ends.
- *socket folder*: a short private folder for the two Unix sockets, Postgres' and the supervisor's *control* socket.
- *identity*: as whom Postgres runs. It refuses root, so root needs another way.

Why it is built so, and how we would notice that it was wrong: docs/decisions/0003-embedded-postgres.md
"""

from syncd.store.embedded.errors import EmbeddedPostgresError
from syncd.store.embedded.membership import EmbeddedPostgres, join

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "join"]

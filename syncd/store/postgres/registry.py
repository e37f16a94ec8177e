"""Writers and owners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from syncd.postgres.database import Database
from syncd.postgres.queries import load_queries
from syncd.store.port import StreamInfo, WriterIdentity, WriterKnown, WriterProgress

_QUERIES = load_queries("syncd.store", "registry.sql")


class PostgresRegistry:
    """A `WriterRegistry`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def writers(self, writers: Sequence[str]) -> Mapping[str, WriterKnown]:
        rows = await self._database.rows(_QUERIES["writers"], writers)
        return {
            row["writer"]: WriterKnown(
                account=row["account"],
                device=row["device"],
                nonce=row["nonce"],
                progress=_progress(*(row[name] or () for name in ("streams", "seqs", "ts", "log_offsets"))),
                voids=_voids(row["void_streams"] or (), row["void_seqs"] or ()),
            )
            for row in rows
        }

    async def writers_of(self, account: str) -> Sequence[WriterIdentity]:
        return [WriterIdentity(*row) for row in await self._database.rows(_QUERIES["writers_of"], account)]

    async def register_writers(self, writers: Sequence[WriterIdentity]) -> frozenset[str]:
        columns = list(zip(*writers, strict=True)) or [()] * len(WriterIdentity._fields)
        return frozenset(row["writer"] for row in await self._database.rows(_QUERIES["register_writers"], *columns))

    async def claim_stream(self, stream: str, *, owner: str) -> StreamInfo:
        row = await self._database.row(_QUERIES["claim_stream"], stream, owner)
        assert row is not None, "insert or update, the statement returns its row"
        return StreamInfo(row["owner"], row["generation"])

    async def streams_owned(self, owner: str) -> Sequence[str]:
        return [row["stream"] for row in await self._database.rows(_QUERIES["streams_owned"], owner)]


def _progress(streams: Iterable[str], *columns: Iterable[int]) -> dict[str, WriterProgress]:
    return {stream: WriterProgress(*row) for stream, *row in zip(streams, *columns, strict=True)}


def _voids(streams: Iterable[str], seqs: Iterable[int]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for stream, seq in zip(streams, seqs, strict=True):
        found.setdefault(stream, set()).add(seq)
    return {stream: frozenset(numbers) for stream, numbers in found.items()}

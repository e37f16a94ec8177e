"""Cells of a batch as the columns that statements take."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.postgres.columns import canonical_column, text_column
from syncd.store.port import CellRow


def cell_columns(rows: Sequence[CellRow]) -> tuple[str, str, str, str]:
    """Streams, keys, ranks and values, each joined as `syncd.postgres.columns` says."""
    return (
        text_column([row.stream for row in rows]),
        text_column([row.key for row in rows]),
        text_column([row.rank for row in rows]),
        canonical_column([row.value for row in rows]),
    )

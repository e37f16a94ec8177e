"""Cells of a batch as the texts that statements take."""

from __future__ import annotations

from syncd.postgres.columns import text_column
from syncd.store.cell_columns import CellColumns


def cell_texts(cells: CellColumns) -> tuple[str, str, str, str]:
    """Streams, keys and ranks, each joined as `syncd.postgres.columns` says, and values, joined by line breaks."""
    return (
        text_column(cells.streams),
        text_column(cells.keys),
        text_column(cells.ranks),
        cells.values[:-1].decode(),
    )

"""What the records of some streams count up to, compared with what the store has counted.

Cells are what devices see. These decide what gets in: a writer's seq and time, the seqs that were refused for good, and
how many slots a list was given. `syncd rebuild` leaves them alone, so `verify` looks at them.
Source: docs/decisions/0013-rebuild.md
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from syncd.log.record import LoggedRecord
from syncd.projector.folding import fold_records
from syncd.store.port import Counts


class CountDiffers(NamedTuple):
    """What the store has, and what the log says; null where there is nothing."""

    store: str | None
    log: str | None


ByName: TypeAlias = dict[str, str]
"""What is counted, as `writer k3v9q2m4ta`, `void k3v9q2m4ta.7` or `list queue` -> how far."""


class RefoldedCounts:
    """The counts of some streams, from records in any order.

    Attributes:
        until: the offset up to which the store has counted.
    """

    def __init__(self, held: Counts, streams: Container[str]) -> None:
        self.until = held.checkpoint.offset_next
        self._streams = streams
        self._held = _by_stream(held.writers, held.voids, held.slots)
        self._writers: dict[tuple[str, str], tuple[int, int]] = {}
        self._voids: set[tuple[str, str, int]] = set()
        self._slots: Counter[tuple[str, str]] = Counter()
        self._right: defaultdict[str, ByName] | None = None

    def take(self, records: Iterable[LoggedRecord]) -> None:
        """Count records; those of other streams, and those that the store has not counted yet, are left out."""
        folded = fold_records([each for each in records if each.offset < self.until and each.stream in self._streams])
        for row in folded.writers:
            at = row.stream, row.writer
            seq, t = self._writers.get(at, (0, 0))
            self._writers[at] = max(seq, row.seq), max(t, row.t)
        self._voids.update((void.stream, void.writer, void.seq) for void in folded.voids)
        for added in folded.slots:
            self._slots[added.stream, added.list_name] += added.slots

    def differences(self, stream: str) -> dict[str, CountDiffers]:
        """By name, ascending. Asked when all records were taken."""
        if self._right is None:
            self._right = _by_stream(self._writers, self._voids, self._slots)
        held, right = self._held.get(stream, {}), self._right.get(stream, {})
        return {
            name: CountDiffers(held.get(name), right.get(name))
            for name in sorted(held.keys() | right.keys())
            if held.get(name) != right.get(name)
        }


def _by_stream(
    writers: Mapping[tuple[str, str], tuple[int, int]],
    voids: Iterable[tuple[str, str, int]],
    slots: Mapping[tuple[str, str], int],
) -> defaultdict[str, ByName]:
    found: defaultdict[str, ByName] = defaultdict(dict)
    for (stream, writer), (seq, t) in writers.items():
        found[stream][f"writer {writer}"] = f"seq {seq}, t {t}"
    for stream, writer, seq in voids:
        found[stream][f"void {writer}.{seq}"] = "used up"
    for (stream, name), count in slots.items():
        if count:
            found[stream][f"list {name}"] = f"{count} slots"
    return found

"""The recent ring: the newest records of one partition, kept in memory so that most resumes need no database.

Per stream the ring knows below which offset it has forgotten: a stream that has been quiet for a day is still covered
for a cursor from yesterday, since nothing of it was dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice

from syncd.push.entry import Entry

FORGOTTEN_STREAMS_MAX = 100_000
"""Streams whose forgotten offset is kept apart; beyond it they share the ring's own start. About 10 MiB."""


class Recent:
    """A ring over one partition.

    Attributes:
        position: offset of the next record; everything below it was added, or lies before the ring's start.
    """

    def __init__(self, *, position: int, bytes_max: int) -> None:
        self.position = position
        self._start = position
        self._bytes_max = bytes_max
        self._bytes = 0
        self._entries: deque[Entry] = deque()
        self._by_stream: dict[str, deque[Entry]] = {}
        self._forgotten: dict[str, int] = {}
        self._rebuilt: dict[str, int] = {}

    def extend(self, entries: Sequence[Entry]) -> None:
        """Take in the records from `position` on, at least one."""
        assert entries[0].offset >= self.position, f"record {entries[0].offset} after {self.position}"
        by_stream = self._by_stream
        size = 0
        for entry in entries:
            of_stream = by_stream.get(entry.stream)
            if of_stream is None:
                of_stream = by_stream[entry.stream] = deque()
            of_stream.append(entry)
            size += entry.size
        self._entries.extend(entries)
        self.position = entries[-1].offset + 1
        self._bytes += size
        if self._bytes > self._bytes_max:
            self._forget_oldest()

    def skip(self, offset: int) -> None:
        """Note that the record at `offset` can be pushed by nobody (it does not decode)."""
        self.position = max(self.position, offset + 1)

    def rebuilt(self, entry: Entry) -> None:
        """Note that the store's cells of the entry's stream were swapped: who is before it has to read them."""
        self._rebuilt[entry.stream] = entry.offset

    def rebuilt_at(self, stream: str) -> int:
        """The offset of the newest such record that is here; -1 when there is none."""
        return self._rebuilt.get(stream, -1)

    def covers(self, stream: str, offset: int) -> bool:
        """Whether every record of the stream at `offset` and up is here, and tells all that has changed since."""
        return self._forgotten.get(stream, self._start) <= offset <= self.position and (
            not self._rebuilt or self._rebuilt.get(stream, -1) < offset
        )

    def since(self, stream: str, offset: int) -> Sequence[Entry]:
        """The stream's records at `offset` and up, in order. Ask `covers` first."""
        of_stream = self._by_stream.get(stream)
        if of_stream is None or of_stream[-1].offset < offset:
            return ()
        # Resumes ask for the newest few of a stream: search from the end.
        missed = 0
        for entry in reversed(of_stream):
            if entry.offset < offset:
                break
            missed += 1
        return list(islice(of_stream, len(of_stream) - missed, None))

    def newest(self, stream: str) -> int:
        """The offset of the stream's newest record that is here; -1 when there is none."""
        of_stream = self._by_stream.get(stream)
        return of_stream[-1].offset if of_stream else -1

    @property
    def bytes(self) -> int:
        """What the ring's entries cost."""
        return self._bytes

    def _forget_oldest(self) -> None:
        """Once it is full, the ring forgets a record for each that comes."""
        entries, by_stream, forgotten, rebuilt = self._entries, self._by_stream, self._forgotten, self._rebuilt
        size, size_max = self._bytes, self._bytes_max
        while size > size_max:
            entry = entries.popleft()
            size -= entry.size
            stream = entry.stream
            of_stream = by_stream[stream]
            of_stream.popleft()
            if not of_stream:
                del by_stream[stream]
            forgotten[stream] = entry.offset + 1
            if rebuilt and rebuilt.get(stream) == entry.offset:
                del rebuilt[stream]
            if len(forgotten) > FORGOTTEN_STREAMS_MAX:
                self._start = entries[0].offset if entries else self.position
                forgotten.clear()
        self._bytes = size

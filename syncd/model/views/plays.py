"""Which play is the head, what led to it, and what the queue has consumed on the way.

A start opens an epoch, each advance is the next generation of one. The head is the largest play of the latest epoch;
`follows` leads from it to everything heard before, also to what was heard alone in a tunnel and then adopted. Plays off
that chain were never heard by this account's winning session, so they consume nothing: two devices that skip at once
make one skip. Source: merge.md section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from syncd.model.canonical import Json
from syncd.model.cells import Cell
from syncd.model.ids import EventId, ItemId
from syncd.model.views.under import under


class Play(NamedTuple):
    """One `play/<id>` cell.

    Attributes:
        rank: its stamp.
        generation: 0 for a start.
        device, context, detached: of a start; an advance has them from its epoch's.
    """

    id: EventId
    rank: str
    epoch: EventId
    generation: int
    follows: list[EventId]
    item: dict[str, Json]
    automatic: bool
    device: str | None
    context: Json
    detached: bool

    @property
    def is_start(self) -> bool:
        """Whether it opened its epoch. Advances begin at 1, so that one that names itself as its epoch is no start."""
        return self.generation == 0

    @property
    def seq(self) -> int:
        """Of the event that made it."""
        return int(self.id[self.id.rindex(".") + 1 :])


class Plays:
    """All plays of an account's stream."""

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        self._plays = {EventId(id_): _play_of(EventId(id_), cell) for id_, cell in under(cells, "play/")}

    def start_of(self, play: Play) -> Play | None:
        """The start of a play's epoch; None if it has not arrived, or if what the play names is no start."""
        start = self._plays.get(play.epoch)
        return start if start is not None and start.is_start else None

    def head(self) -> Play | None:
        """The play that the account's live session is at; None when nothing was ever started."""
        return self._largest(lambda start: not start.detached)

    def detached_head(self, device: str) -> Play | None:
        """The play that a device is at in the session it began by itself, without a connection.

        None when it has begun none, or when its last one has ended: adopted by a start that follows it, or overtaken
        by a later start on the same device.
        """
        starts = [play for play in self._plays.values() if play.is_start]
        own = [start for start in starts if start.detached and start.device == device]
        if not own:
            return None
        last = max(own, key=lambda start: (start.rank, start.seq))
        heard = {play.id for play in self._plays.values() if play.epoch == last.id}
        for start in starts:
            if start.detached:
                continue
            if not heard.isdisjoint(start.follows) or (start.device == device and start.rank > last.rank):
                return None
        return self._largest(lambda start: start.id == last.id)

    def chain(self, head: Play | None) -> Iterator[Play]:
        """The head and everything reached from it by `follows`, each once, as far as it has arrived."""
        waiting = [] if head is None else [head.id]
        reached = set(waiting)
        while waiting:
            play = self._plays.get(waiting.pop())
            if play is not None:
                yield play
                new = [id_ for id_ in play.follows if id_ not in reached]
                reached.update(new)
                waiting += new

    def consumed(self, head: Play | None) -> frozenset[ItemId]:
        """The queue entries that were played on the chain of this head."""
        return frozenset(cast(ItemId, play.item["id"]) for play in self.chain(head) if play.item["from"] == "queue")

    def _largest(self, is_eligible: Callable[[Play], bool]) -> Play | None:
        """The largest by (epoch's start, generation, pressed rather than automatic, stamp, seq)."""
        largest: tuple[tuple[str, int, bool, str, int], Play] | None = None
        for play in self._plays.values():
            start = self.start_of(play)
            if start is None or not is_eligible(start):
                continue
            key = (start.rank, play.generation, not play.automatic, play.rank, play.seq)
            if largest is None or key > largest[0]:
                largest = (key, play)
        return None if largest is None else largest[1]


def shown_head(plays: Plays, device: str | None) -> Play | None:
    """The play that a device shows: its own detached one, else the head. None stands for a device that has none."""
    own = None if device is None else plays.detached_head(device)
    return plays.head() if own is None else own


def consumed(cells: Mapping[str, Cell], *, device: str | None = None) -> frozenset[ItemId]:
    """The queue entries that are gone from what a device shows (see `shown_head`)."""
    plays = Plays(cells)
    return plays.consumed(shown_head(plays, device))


def _play_of(id_: EventId, cell: Cell) -> Play:
    value = cast(dict[str, Any], cell.value)
    return Play(
        id=id_,
        rank=cell.rank,
        epoch=value["epoch"],
        generation=value["generation"],
        follows=value["follows"],
        item=value["item"],
        automatic=value.get("automatic", False),
        device=value.get("device"),
        context=value.get("context"),
        detached=value.get("detached", False),
    )

"""Law 6 of merge.md section 4: one replica alone shows what a plain Python list holds, after every step."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from syncd.model import edits
from syncd.model.events import Event, ListMovedBack
from syncd.model.ids import ItemId
from syncd.model.views.lists import list_view
from syncd.testing.list_replica import ListReplica

anywhere = st.integers(0, 10**6)
"""Drawn without knowing the list; taken modulo what is possible."""
sizes = st.integers(1, 4)


class PlainList:
    """What a listener believes a list is: entries in places. A place stays where it is when its entry leaves it."""

    def __init__(self) -> None:
        self.places: list[ItemId] = []
        self.place_of: dict[ItemId, ItemId] = {}
        self.gone: set[ItemId] = set()

    def shown(self) -> list[ItemId]:
        sitting = {place: item for item, place in self.place_of.items()}
        return [sitting[place] for place in self.places if place in sitting and sitting[place] not in self.gone]

    def put(self, items: list[ItemId], *, after: ItemId | None, places: list[ItemId]) -> None:
        """Let the entries sit in new places, right after an entry's place or at the start."""
        i = 0 if after is None else self.places.index(self.place_of[after]) + 1
        self.places[i:i] = places
        self.place_of.update(zip(items, places, strict=True))


class OneReplica(RuleBasedStateMachine):
    """Does to a replica and to a plain list whatever a listener does."""

    def __init__(self) -> None:
        super().__init__()
        self.replica = ListReplica("ann")
        self.plain = PlainList()
        self.undo: list[ListMovedBack] = []

    def tracks(self, count: int) -> list[dict[str, object]]:
        return [{"track": f"{len(self.replica.events)}.{k}"} for k in range(count)]

    def block(self, start: int, count: int) -> list[ItemId]:
        shown = self.plain.shown()
        start %= len(shown)
        return shown[start : start + count]

    @rule(count=sizes)
    def add_to_the_end(self, count: int) -> None:
        event = self.replica.emit(edits.insert_at_end(self.replica.view, self.tracks(count)))
        new = slots_of(event, count)
        self.plain.places += new
        self.plain.place_of.update(zip(new, new, strict=True))

    @rule(count=sizes, index=anywhere)
    def insert_before_an_entry(self, count: int, index: int) -> None:
        shown = self.plain.shown()
        if shown:
            index %= len(shown)
            event = self.replica.emit(edits.insert_at(self.replica.view, index, self.tracks(count)))
            new = slots_of(event, count)
            self.plain.put(new, after=shown[index - 1] if index else None, places=new)

    @rule(count=sizes, index=anywhere)
    def insert_after_an_entry(self, count: int, index: int) -> None:
        """Also after one that does not show any more, as "play next" does after an entry that was consumed."""
        left = [None, *sorted(self.plain.place_of)][index % (len(self.plain.place_of) + 1)]
        event = self.replica.emit(edits.insert_after(self.replica.view, left, self.tracks(count)))
        new = slots_of(event, count)
        self.plain.put(new, after=left, places=new)

    @precondition(lambda self: self.plain.shown())
    @rule(start=anywhere, count=sizes, index=anywhere)
    def move_to_an_index(self, start: int, count: int, index: int) -> None:
        block = self.block(start, count)
        rest = [item for item in self.plain.shown() if item not in block]
        index %= len(rest) + 1
        self.undo = edits.undo_move(self.replica.view, block)
        event = self.replica.emit(edits.move_to(self.replica.view, block, index))
        new = slots_of(event, len(block))
        if index == len(rest):
            self.plain.places += new
            self.plain.place_of.update(zip(block, new, strict=True))
        else:
            self.plain.put(block, after=rest[index - 1] if index else None, places=new)
        assert self.plain.shown() == rest[:index] + block + rest[index:]

    @precondition(lambda self: self.plain.shown())
    @rule(start=anywhere, count=sizes, index=anywhere)
    def move_after_an_entry(self, start: int, count: int, index: int) -> None:
        """Also after an entry of the block itself."""
        block = self.block(start, count)[::-1]
        left = [None, *self.plain.shown()][index % (len(self.plain.shown()) + 1)]
        self.undo = edits.undo_move(self.replica.view, block)
        event = self.replica.emit(edits.move_after(self.replica.view, block, left))
        self.plain.put(block, after=left, places=slots_of(event, len(block)))

    @rule()
    def undo_the_last_move(self) -> None:
        for back in self.undo:
            self.replica.emit(back)
            self.plain.place_of[ItemId(back.item)] = ItemId(back.slot)
        self.undo = []

    @precondition(lambda self: self.plain.shown())
    @rule(start=anywhere, count=sizes)
    def remove(self, start: int, count: int) -> None:
        block = self.block(start, count)
        self.replica.emit(edits.remove(self.replica.view, block))
        self.plain.gone.update(block)

    @precondition(lambda self: self.plain.gone)
    @rule(start=anywhere, count=sizes)
    def restore(self, start: int, count: int) -> None:
        gone = sorted(self.plain.gone)
        back = gone[start % len(gone) :][:count]
        self.replica.emit(edits.restore(self.replica.view, back))
        self.plain.gone.difference_update(back)

    @precondition(lambda self: len(self.plain.shown()) > 8)
    @rule()
    def clear(self) -> None:
        self.replica.emit(edits.clear(self.replica.view))
        self.plain.gone.update(self.plain.place_of)

    @invariant()
    def shows_the_plain_list(self) -> None:
        assert self.replica.shown() == self.plain.shown()
        assert self.replica.view.items() == list_view(self.replica.cells, "items")

    @invariant()
    def answers_where_and_how_many(self) -> None:
        view, shown = self.replica.view, self.plain.shown()
        assert len(view) == len(shown)
        for index, item in enumerate(shown):
            assert view.index_of(item) == index
            assert view.slot_of(item) == self.plain.place_of[item]
        third = len(shown) // 3
        assert [entry.id for entry in view.slice(third, 2 * third)] == shown[third : 2 * third]


def slots_of(event: Event, count: int) -> list[ItemId]:
    return [ItemId(f"{event.writer}.{event.seq}.{k}") for k in range(count)]


TestOneReplicaAloneIsAPlainList = OneReplica.TestCase

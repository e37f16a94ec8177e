"""What the gateway knows of one stream in order to let events in: who may write, and how full its lists are.

Loaded once, when a connection here first needs it, and kept up to date by the tail from then on. Membership is judged
at admission, not when the event was made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from syncd.clock import Clock
from syncd.gateway.lane import OWN_KINDS, Rules
from syncd.gateway.questions import Questions
from syncd.limits import ITEMS_MAX, LIST_ITEMS_MAX
from syncd.log.port import EventLog
from syncd.model.canonical import from_canonical
from syncd.model.cells import Cell, Cells, fold
from syncd.model.events import REBUILT, ListName
from syncd.model.ids import is_playlist
from syncd.model.views.access import access_of
from syncd.model.views.lists import list_view
from syncd.model.views.plays import consumed
from syncd.push.entry import Entry
from syncd.push.hub import Channel, Hub
from syncd.push.settled import settled_cells
from syncd.push.state import current_state
from syncd.store.port import Store, StreamState

ROLES_UNDER = ("member/", "playlist/")
LISTS: dict[bool, tuple[ListName, ...]] = {True: ("items",), False: ("queue", "sidebar")}
"""Lists of a playlist stream, and of an account stream."""
_COUNTED = frozenset({"list.inserted", "list.removed", "list.restored"})
RECOUNT_S = 5.0
"""At most this often a list that looks full is counted exactly, which reads the whole stream."""


class Guard(Rules):
    """The rules of one stream.

    Args:
        owner: a playlist's, as the store knows it.
        list_items_max: items that each list may hold.

    Attributes:
        owner: account of a playlist's owner; None while nobody wrote to it.
        users: connections that need the guard; it goes with the last one.
        looks_full: whether some list may have no room for one more event, by its slots, which only grow, or by its
            items.
    """

    def __init__(
        self, channel: Channel, *, owner: str | None, on_roles: Callable[[Guard], None],
        list_items_max: int = LIST_ITEMS_MAX,
    ) -> None:  # fmt: skip
        self.channel = channel
        self.stream = channel.stream
        self.playlist = is_playlist(channel.stream)
        self.owner = owner if self.playlist else channel.stream[2:]
        self.users: set[object] = set()
        self._on_roles = on_roles
        self._list_items_max = list_items_max
        self._calm_slots_max = list_items_max - ITEMS_MAX
        """Of a list; with more of them there may be no room for one more event."""
        self._roles: Cells = {}
        self._slots: dict[str, int] = {}
        self.looks_full = False
        self._showing: dict[str, set[str]] = {}
        """The items that show, of lists that were counted exactly: what goes makes room at once."""
        self._counted_s = float("-inf")
        self._counting: asyncio.Task[None] | None = None

    def kinds_of(self, account: str) -> frozenset[str]:
        return OWN_KINDS if not self.playlist and account == self.owner else frozenset()

    def may_write(self, account: str, kind: str) -> bool:
        if not self.playlist:
            return account == self.owner
        return self.owner is not None and access_of(self._roles, account, self.owner).may_write(kind)

    def may_subscribe(self, account: str) -> bool:
        """Whether the account may listen. A playlist that nobody has written to is empty, and hides nothing."""
        if not self.playlist:
            return account == self.owner
        return self.owner is None or access_of(self._roles, account, self.owner).may_subscribe()

    def list_room(self, list_name: str) -> int:
        return max(0, self._list_items_max - self._slots.get(list_name, 0))

    def must_recount(self, now_s: float) -> bool:
        """Whether a list looks full, and was not counted of late."""
        return self.looks_full and now_s - self._counted_s > RECOUNT_S

    async def load(self, log: EventLog, store: Store, questions: Questions, hub: Hub) -> None:
        """Learn the present rules; watches the channel from the moment they are complete."""
        await self._learn(log, store, questions, hub)
        self.channel.watch(self._watch)

    async def reload(self, log: EventLog, store: Store, questions: Questions, hub: Hub) -> None:
        """Learn the rules anew: the stream's cells were rebuilt."""
        before = self._roles
        await self._learn(log, store, questions, hub)
        self._showing.clear()
        self._counted_s = float("-inf")
        if self._roles != before:
            self._on_roles(self)

    async def _learn(self, log: EventLog, store: Store, questions: Questions, hub: Hub) -> None:
        partition = self.channel.partition
        slots: dict[str, int] = {}

        async def read() -> StreamState:
            if self.playlist:
                state = await store.cells_under(self.stream, partition, prefixes=ROLES_UNDER)
            else:  # an account's own stream has no roles
                state = StreamState(await questions.checkpoints.answer(partition), 0, ())
            slots.update(await questions.slots.answer(self.stream))
            return state

        state, entries, _ = await settled_cells(log, store, hub.recent[partition], self.channel, read)
        self._roles = {row.key: Cell(row.rank, from_canonical(row.value)) for row in state.cells}
        self._slots = slots
        for entry in entries:
            self._note(entry)
        self._look()

    async def recount(self, log: EventLog, store: Store, clock: Clock) -> None:
        """Replace the counts of slots by those of the items that show, which are kept up to date from here on.

        Only what a removal takes out is seen at once; after a clear, or when a queue was played, the next count tells.
        """
        if self._counting is None:
            self._counting = asyncio.create_task(self._count_all(log, store, clock), name=f"count {self.stream}")
        # Who comes meanwhile waits for the same count: judged by the slots, a list that has room would be refused.
        await asyncio.shield(self._counting)

    async def _count_all(self, log: EventLog, store: Store, clock: Clock) -> None:
        try:
            cells = (await current_state(log, store, self.stream)).cells
            for name in LISTS[self.playlist]:
                gone = consumed(cells) if name == "queue" else frozenset()
                self._showing[name] = {item.id for item in list_view(cells, name, consumed=gone)}
                self._slots[name] = len(self._showing[name])
            self._look()
            self._counted_s = clock.monotonic_s()  # however long it took, it is fresh now
        finally:
            self._counting = None

    def close(self) -> None:
        """Stop watching."""
        self.channel.unwatch(self._watch)

    def _watch(self, entry: Entry) -> None:
        """Take in a record of the tail. An account's own stream has no roles, and there only new slots are counted
        until a list looks full: most records are met by that alone."""
        if self.playlist or self._showing:
            if self._note(entry):
                self._on_roles(self)
        elif (list_name := entry.grows) is not None:
            slots = self._slots[list_name] = self._slots.get(list_name, 0) + entry.items_new
            if slots > self._calm_slots_max:
                self._look()

    def _note(self, entry: Entry) -> bool:
        """Take in a record; True when roles changed."""
        if entry.kind == REBUILT:
            return False
        if entry.kind in _COUNTED:
            for key, cell in entry.cells.items():
                self._count(key, cell)
        if not self.playlist:
            return False
        is_claimed = self.owner is None
        if is_claimed:
            self.owner = entry.account  # the first to write owns it; the store's row says the same
        roles = {key: cell for key, cell in entry.cells.items() if key.startswith(ROLES_UNDER)}
        return bool(roles and fold(self._roles, roles)) or is_claimed

    def _look(self) -> None:
        """See `looks_full`."""
        self.looks_full = max(self._slots.values(), default=0) > self._calm_slots_max

    def _count(self, key: str, cell: Cell) -> None:
        """Take in one cell of a list: a run of new items, or whether an item is on."""
        list_name, part, name = key.split("/", 2)
        value, slots = cell.value, self._slots.get(list_name, 0)
        items = value.get("items") if part == "run" and isinstance(value, dict) else None
        if isinstance(items, list):
            slots += len(items)
        if self._showing and (showing := self._showing.get(list_name)) is not None:
            if isinstance(items, list):
                showing.update(f"{name}.{k}" for k in range(len(items)))
            elif part == "on":
                (showing.add if value is True else showing.discard)(name)
            slots = len(showing)
        self._slots[list_name] = slots
        if self._showing or slots > self._calm_slots_max:
            self._look()

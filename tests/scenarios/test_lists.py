"""Queue and playlists: who stands where when several people edit at once. Source: merge.md sections 3.1 and 5.

In all of them the list holds what the test's first line says, everybody has seen that, and a device is unaware of the
others until it `sees` them.
"""

from __future__ import annotations

import msgspec
from world import Device, World, assert_every_order, item_of, items_of

from syncd.model import edits
from syncd.model.cells import Cells
from syncd.model.events import Event, EventData, ListName
from syncd.model.ids import ItemId
from syncd.model.views.lists import list_view, sidebar_view
from syncd.model.views.live_list import ListView
from syncd.testing.list_replica import KINDS

PLAYLIST = "p:summer-0123456789abcdef"


class Editor:
    """A device with one list open: it resolves edits against what it shows, as an SDK does."""

    def __init__(self, device: Device, list_name: ListName) -> None:
        self.device = device
        self.list_name = list_name

    @property
    def view(self) -> ListView:
        return ListView(self.list_name, self.device.cells)

    def sees(self, *events: Event) -> None:
        self.device.sees(*events)

    def emit(self, data: EventData) -> Event:
        return self.device.emit(KINDS[type(data)], **msgspec.to_builtins(data))

    def add(self, *tracks: str) -> Event:
        """To the end."""
        return self.emit(edits.insert_at_end(self.view, items(*tracks)))

    def add_after(self, left: ItemId | None, *tracks: str) -> Event:
        return self.emit(edits.insert_after(self.view, left, items(*tracks)))

    def play_next(self, *tracks: str) -> Event:
        """What sounds is not from the queue."""
        return self.add_after(None, *tracks)

    def move_after(self, left: ItemId | None, *ids: ItemId) -> Event:
        return self.emit(edits.move_after(self.view, ids, left))

    def remove(self, *ids: ItemId) -> Event:
        return self.emit(edits.remove(self.view, ids))

    def restore(self, *ids: ItemId) -> Event:
        return self.emit(edits.restore(self.view, ids))

    def clear(self) -> Event:
        return self.emit(edits.clear(self.view))


class Party(World):
    """Ann, Bob and Cem edit one list."""

    def __init__(self, *tracks: str, list_name: ListName = "items") -> None:
        super().__init__()
        self.list_name = list_name
        stream = PLAYLIST if list_name == "items" else "a:9f3c"
        self.ann, self.bob, self.cem = (
            Editor(self.device(name, stream=stream), list_name) for name in ("ann", "bob", "cem")
        )
        self.ids = items_of(self.ann.add(*tracks)) if tracks else []
        self.all_see()
        self.at(1_000)

    def assert_shows(self, expected: str, *, orders: int = 30) -> None:
        """In every order of delivery; read at once, and kept up to date cell by cell."""

        def check(cells: Cells) -> None:
            assert shown(cells, self.list_name) == expected.split()
            kept = ListView(self.list_name)
            for key, cell in reversed(cells.items()):
                kept.apply({key: cell})
            assert kept.items() == list_view(cells, self.list_name)

        assert_every_order(self.admitted, check, orders=orders)


def items(*tracks: str) -> list[dict[str, object]]:
    return [{"track": track} for track in tracks]


def shown(cells: Cells, list_name: ListName) -> list[object]:
    return [entry.item["track"] for entry in list_view(cells, list_name)]


# --- adding ---


def test_of_two_unaware_play_next_the_later_comes_first_and_neither_is_torn_apart() -> None:
    party = Party("Y", "Z", "W", list_name="queue")
    party.ann.play_next("a1", "a2")
    party.at(1_005)
    party.bob.play_next("b1")
    party.assert_shows("b1 a1 a2 Y Z W")


def test_play_next_again_and_again_stands_in_front_each_time() -> None:
    party = Party("Y", list_name="queue")
    for track in ("a", "b", "c"):
        party.ann.play_next(track)
    party.assert_shows("c b a Y")


def test_play_next_stands_after_the_queue_entry_that_sounds() -> None:
    party = Party("Y", "Z", list_name="queue")
    party.ann.add_after(party.ids[0], "a")
    party.bob.remove(party.ids[0])
    party.at(1_005)
    party.cem.add_after(party.ids[0], "c")
    party.assert_shows("c a Z")


def test_of_two_who_add_to_the_end_the_first_stands_first() -> None:
    party = Party("a", "b")
    party.ann.add("x")
    party.at(1_005)
    party.bob.add("y")
    party.assert_shows("a b x y")


def test_the_first_stands_first_whatever_the_writers_are_called() -> None:
    party = Party("a", "b")
    party.bob.add("y")
    party.at(1_005)
    party.ann.add("x")
    party.assert_shows("a b y x")


def test_adding_to_the_end_is_behind_what_others_removed_from_there() -> None:
    """Else an undo of the removal would bring the last entry back behind the new one."""
    party = Party("a", "b", "c")
    removal = party.ann.remove(party.ids[2])
    party.bob.sees(removal)
    party.bob.add("x")
    party.ann.restore(party.ids[2])
    party.assert_shows("a b c x")


def test_two_first_insertions_into_an_empty_list_both_stand() -> None:
    party = Party()
    party.ann.add("a1", "a2")
    party.at(1_005)
    party.bob.play_next("b1")
    party.assert_shows("a1 a2 b1")


def test_two_who_insert_one_by_one_in_the_middle_make_two_blocks() -> None:
    party = Party("a", "b")
    after_ann = after_bob = party.ids[0]
    for n in range(3):
        party.at(1_000 + n)
        after_ann = item_of(party.ann.add_after(after_ann, f"x{n}"))
        after_bob = item_of(party.bob.add_after(after_bob, f"y{n}"))
    # Both hang on the left side of b, where the later block stands first: bob's, by his name.
    party.assert_shows("a y0 y1 y2 x0 x1 x2 b")


def test_two_who_append_one_by_one_make_two_blocks() -> None:
    party = Party()
    for n in range(3):
        party.at(1_000 + n)
        party.ann.add(f"a{n}")
        party.bob.add(f"b{n}")
    party.assert_shows("a0 a1 a2 b0 b1 b2")


def test_two_who_insert_backwards_one_by_one_make_two_blocks() -> None:
    party = Party("a", "b")
    for n in range(3):
        party.at(1_000 + n)
        party.ann.add_after(party.ids[0], f"x{n}")
        party.bob.add_after(party.ids[0], f"y{n}")
    party.assert_shows("a y2 y1 y0 x2 x1 x0 b")


def test_two_people_who_add_the_same_song_make_two_entries() -> None:
    party = Party("a")
    party.ann.add("same")
    party.at(1_005)
    party.bob.add("same")
    party.assert_shows("a same same")


def test_an_insertion_after_an_entry_that_is_being_removed_stays_in_that_place() -> None:
    party = Party("a", "b", "c")
    party.ann.remove(party.ids[1])
    party.bob.add_after(party.ids[1], "x")
    party.assert_shows("a x c")


def test_an_insertion_after_an_entry_that_is_being_moved_stays_at_the_old_place() -> None:
    party = Party("a", "b", "c")
    party.ann.move_after(party.ids[2], party.ids[1])
    party.bob.add_after(party.ids[1], "x")
    party.assert_shows("a x c b")


def test_an_insertion_after_an_entry_seen_moved_stands_at_the_new_place() -> None:
    party = Party("a", "b", "c")
    move = party.ann.move_after(party.ids[2], party.ids[0])
    party.bob.sees(move)
    party.bob.add_after(party.ids[0], "x")
    party.assert_shows("b c a x")


# --- removing ---


def test_removing_one_of_two_equal_tracks_leaves_the_other_in_its_place() -> None:
    party = Party("T", "U", "T")
    party.ann.remove(party.ids[0])
    party.assert_shows("U T")


def test_an_entry_that_both_removed_and_one_brings_back_is_back_in_its_place() -> None:
    party = Party("a", "b", "c")
    party.ann.remove(party.ids[1])
    removal = party.bob.remove(party.ids[1])
    party.bob.sees(removal)
    party.at(2_000)
    party.bob.restore(party.ids[1])
    party.assert_shows("a b c")


def test_a_removal_beats_a_concurrent_move() -> None:
    party = Party("a", "b", "c")
    party.ann.remove(party.ids[1])
    party.at(1_005)
    party.bob.move_after(party.ids[2], party.ids[1])
    party.assert_shows("a c")


def test_an_entry_restored_after_a_move_stands_where_it_was_moved_to() -> None:
    party = Party("a", "b", "c")
    party.ann.remove(party.ids[1])
    party.bob.move_after(party.ids[2], party.ids[1])
    party.at(2_000)
    party.ann.restore(party.ids[1])
    party.assert_shows("a c b")


# --- clearing ---


def test_what_another_adds_during_a_clear_stays() -> None:
    party = Party("a", "b", list_name="queue")
    party.ann.clear()
    party.bob.add("y")
    party.assert_shows("y")


def test_what_the_clearer_adds_afterwards_stays() -> None:
    party = Party("a", "b", list_name="queue")
    party.ann.clear()
    party.ann.add("y")
    party.assert_shows("y")


def test_what_an_unaware_device_moves_during_a_clear_is_gone() -> None:
    party = Party("a", "b", "c")
    party.ann.clear()
    party.at(1_005)
    party.bob.move_after(None, party.ids[2])
    party.assert_shows("")


def test_a_clear_counts_the_latest_it_has_seen_in_whatever_order_it_saw_it() -> None:
    party = Party("a", list_name="queue")
    first = party.ann.add("b")
    second = party.ann.add("c")
    party.bob.sees(second, first)
    party.bob.clear()
    party.assert_shows("")


def test_a_clear_undone_brings_all_back_in_their_places() -> None:
    party = Party("a", "b", "c", "d")
    party.ann.move_after(party.ids[3], party.ids[0])
    party.at(2_000)
    party.ann.clear()
    party.at(3_000)
    party.ann.restore(*party.ids)
    party.assert_shows("b c d a")


def test_an_entry_removed_then_cleared_by_another_and_then_restored_shows() -> None:
    party = Party("a", "b", "c")
    removal = party.ann.remove(party.ids[1])
    party.bob.sees(removal)
    party.at(2_000)
    clear = party.bob.clear()
    party.ann.sees(clear)
    party.at(3_000)
    party.ann.restore(party.ids[1])
    party.assert_shows("b")


def test_a_restoration_unaware_of_a_later_clear_does_not_undo_it() -> None:
    party = Party("a", "b", "c")
    party.ann.remove(party.ids[1])
    party.at(2_000)
    party.ann.restore(party.ids[1])
    party.at(3_000)
    party.bob.clear()
    party.assert_shows("")


def test_a_clear_that_has_seen_less_does_not_bring_back_what_another_hid() -> None:
    """The clear that has seen most of a writer stays, whichever was pressed last."""
    party = Party("a")
    more = party.ann.add("b")
    party.bob.sees(more)
    party.bob.clear()
    party.at(2_000)
    party.cem.clear()
    party.assert_shows("")


def test_a_second_clear_also_hides_what_was_restored_after_the_first() -> None:
    party = Party("a", "b")
    party.ann.clear()
    party.at(2_000)
    party.ann.restore(*party.ids)
    party.at(3_000)
    party.ann.clear()
    party.assert_shows("")


# --- moving ---


def test_an_entry_moved_to_two_places_is_there_once_where_the_later_mover_put_it() -> None:
    party = Party("a", "b", "c", "d")
    party.ann.move_after(party.ids[3], party.ids[1])
    party.at(1_005)
    party.bob.move_after(None, party.ids[1])
    party.assert_shows("b a c d")


def test_overlapping_blocks_are_settled_entry_by_entry() -> None:
    party = Party("a", "b", "c", "d", "e")
    party.ann.move_after(party.ids[4], party.ids[1], party.ids[2])
    party.at(1_005)
    party.bob.move_after(None, party.ids[2], party.ids[3])
    party.assert_shows("c d a e b")


def test_a_block_stands_in_the_order_in_which_it_was_picked() -> None:
    party = Party("a", "b", "c", "d")
    party.ann.move_after(None, party.ids[3], party.ids[1])
    party.assert_shows("d b a c")


def test_the_undo_of_a_move_brings_the_exact_place_back_after_a_neighbour_changed() -> None:
    party = Party("a", "b", "c", "d")
    undo = edits.undo_move(party.ann.view, [party.ids[1]])
    party.ann.move_after(party.ids[3], party.ids[1])
    party.at(1_500)
    party.bob.move_after(None, party.ids[2])
    party.bob.remove(party.ids[0])
    party.bob.add_after(party.ids[0], "x")
    party.at(2_000)
    for back in undo:
        party.ann.emit(back)
    # x was put between a and b, so b is back behind it; c, its old right neighbour, has left for the front.
    party.assert_shows("c x b d")


def test_the_undo_of_a_second_move_brings_back_the_place_of_the_first() -> None:
    party = Party("a", "b", "c", "d")
    party.ann.move_after(party.ids[2], party.ids[0])
    undo = edits.undo_move(party.ann.view, [party.ids[0]])
    party.at(1_005)
    party.ann.move_after(party.ids[3], party.ids[0])
    party.at(1_010)
    party.ann.emit(undo[0])
    party.assert_shows("b c a d")


def test_moves_whose_anchors_move_and_insertions_end_equal_in_sixty_orders() -> None:
    """With moves anchored on entries instead of slots, these three replicas part for ever."""
    party = Party("a", "b", "c", "d", "e")
    a, b, c, d, e = party.ids
    party.ann.move_after(d, b)
    party.at(1_001)
    x = party.bob.move_after(b, d)
    party.at(1_002)
    party.cem.add_after(b, "new")
    party.cem.move_after(None, e)
    party.ann.sees(x)
    party.at(1_003)
    party.ann.move_after(d, a, c)
    party.at(1_004)
    party.bob.add_after(d, "other")
    expected = shown(party.cells(), "items")
    assert sorted(map(str, expected)) == ["a", "b", "c", "d", "e", "new", "other"]
    party.assert_shows(" ".join(map(str, expected)), orders=60)


# --- one event, a list in a list, missing parents ---


def test_one_event_admitted_twice_with_two_clamped_times_is_one_entry() -> None:
    party = Party("a")
    ahead = party.device("ahead", stream=PLAYLIST, clock_off_ms=24 * 3_600_000)
    event = ahead.make("list.inserted", list="items", items=items("x"), parent=party.ids[0], side="R")
    ahead.admit(event)
    party.at(1_003)
    party.bob.add_after(party.ids[0], "y")
    party.at(1_005)
    ahead.admit(event)
    # The later of the two times counts whole, so x stands behind what bob put there in between.
    party.assert_shows("a y x")


def test_what_hangs_on_a_missing_run_is_invisible_until_that_arrives() -> None:
    party = Party("a")
    first = party.ann.add("x")
    party.ann.add("y")
    cells = party.cells()
    cells.pop(f"items/run/{first.writer}.{first.seq}")
    assert shown(cells, "items") == ["a"]
    party.assert_shows("a x y")


def test_an_entry_moved_to_a_place_that_has_not_arrived_shows_at_its_own() -> None:
    party = Party("a", "b")
    addition = party.bob.add("x")
    party.ann.sees(addition)
    party.ann.move_after(item_of(addition), party.ids[0])
    cells = party.cells()
    cells.pop(f"items/run/{addition.writer}.{addition.seq}")
    assert shown(cells, "items") == ["a", "b"]
    party.assert_shows("b x a")


def test_tracks_added_to_a_deleted_playlist_are_there_when_it_is_restored() -> None:
    party = Party("a")
    party.ann.device.emit("playlist.described", deleted=True)
    party.bob.add("x")
    party.at(2_000)
    party.ann.device.emit("playlist.described", deleted=False)
    party.assert_shows("a x")


def test_two_lists_of_one_stream_do_not_touch_each_other() -> None:
    party = Party("Y", list_name="queue")
    sidebar = Editor(party.ann.device, "sidebar")
    sidebar.add("not a track of the queue")
    sidebar.clear()
    party.assert_shows("Y")


# --- the sidebar ---


def test_the_sidebar_orders_the_playlists_of_the_library() -> None:
    world = World()
    phone = world.device("phone")
    bar = Editor(phone, "sidebar")

    for n, playlist in enumerate(["late", "summer", "winter", "gone"]):
        world.at(n)
        phone.emit("library.changed", set="playlists", ids=[playlist], value=True)
    world.at(10)
    phone.emit("library.changed", set="playlists", ids=["gone"], value=False)
    entries = bar.emit(edits.insert_at_end(bar.view, [{"playlist": id_} for id_ in ("gone", "summer", "winter")]))
    bar.emit(edits.insert_at_end(bar.view, [{"playlist": id_} for id_ in ("winter", "summer")]))
    bar.move_after(None, item_of(entries, 2))

    def check(cells: Cells) -> None:
        assert sidebar_view(cells) == ["winter", "summer", "late"]
        assert sidebar_view(cells, hidden={"winter"}) == ["summer", "late"]

    assert_every_order(world.admitted, check)

"""The order of the playlists, as devices change it: with and without places, apart and at once, and back."""

from __future__ import annotations

import pytest
from desk import face_of, login, state_of

from syncd.client.done import Done
from syncd.client.face import Face
from syncd.errors import NotFound
from syncd.protocol.client_session import OWN_STREAM
from syncd.protocol.messages import Delta


def library(*names: str) -> Face:
    """A device whose playlists were all added, and never moved."""
    face = face_of()
    for name in names:
        face.create_playlist(name)
    return face


def names(face: Face) -> str:
    return "".join(str(playlist.name) for playlist in face.playlists)


def move(face: Face, name: str, to: int) -> Done:
    return face.move_playlist(next(each for each in face.playlists if each.name == name), to=to)


@pytest.mark.parametrize("start", ["", "b0", "e0 c3"])
@pytest.mark.parametrize("name", "abcde")
@pytest.mark.parametrize("to", range(5))
def test_a_move_is_that_of_a_plain_list_and_undo_takes_it_back(start: str, name: str, to: int) -> None:
    face = library(*"abcde")
    for placed in start.split():
        move(face, placed[0], int(placed[1]))
    before = names(face)
    done = move(face, name, to)
    rest = before.replace(name, "")
    assert names(face) == rest[:to] + name + rest[to:]
    assert done.undo is not None
    done.undo()
    assert names(face) == before
    assert done.undo is None


def test_deleted_playlists_do_not_count_and_come_back_to_their_places() -> None:
    face = library(*"abcd")
    move(face, "d", 3)
    move(face, "c", 2)
    gone = face.playlists[1]
    gone.delete()
    move(face, "d", 1)
    assert names(face) == "adc"
    gone.undelete()
    assert names(face) == "adbc"


def test_undo_of_a_move_leaves_later_moves_of_others_alone() -> None:
    face = library(*"abcd")
    first = move(face, "d", 2)
    move(face, "b", 0)
    assert names(face) == "badc"
    assert first.undo is not None
    first.undo()
    assert names(face) == "bacd"


def test_a_playlist_is_named_by_id_and_by_stream() -> None:
    face = library(*"abc")
    face.move_playlist(face.playlists[2].id, to=0)
    face.move_playlist(face.playlists[2].stream, to=0)
    assert names(face) == "bca"


@pytest.mark.parametrize("to", [-1, 3, 99])
def test_an_index_outside_is_refused_with_what_is_allowed(to: int) -> None:
    face = library(*"abc")
    owed = face.owed
    with pytest.raises(NotFound, match=f"index {to} is outside 0 to 2, the places of 3 playlists"):
        move(face, "a", to)
    assert (face.owed, names(face)) == (owed, "abc"), "nothing was made"


def test_a_playlist_that_is_not_in_the_library_is_refused_by_its_id() -> None:
    face = library("a")
    with pytest.raises(NotFound, match="playlist 0123456789abcdef is not among the 1 playlists of the library"):
        face.move_playlist("0123456789abcdef", to=0)


def test_later_moves_take_all_entries_of_a_playlist_that_two_devices_placed() -> None:
    face = library(*"abc")
    ids = [playlist.id for playlist in face.playlists]
    twice = [{"playlist": id_} for id_ in [*ids, *ids]]
    face.emit("list.inserted", {"list": "sidebar", "side": "R", "items": twice})
    assert names(face) == "abc"
    for name, to, expected in [("a", 2, "bca"), ("b", 1, "cba"), ("a", 0, "acb")]:
        move(face, name, to)
        assert names(face) == expected


# --- two devices, of which neither hears the other for a while ---


def two_devices(names: str) -> tuple[Face, Face]:
    """The same playlists on two devices of an account."""
    faces = []
    for writer, device in [("writer0001", "d1"), ("writer0002", "d2")]:
        state = state_of()
        state.identify(login(writer, device=device))
        faces.append(face_of(state, connected=False, identified=False))
    one, two = faces
    for name in names:
        playlist = one.create_playlist(name)
        two.playlist(playlist.id).describe(name=name)
    tell(one, two)
    return one, two


def tell(teller: Face, hearer: Face) -> None:
    """The cells of the account that one shows arrive at the other."""
    cells = [(key, cell.rank, cell.value) for key, cell in teller.cells().items()]
    hearer._state.heard(Delta(OWN_STREAM, cells, "c"))


def meet(one: Face, two: Face) -> str:
    """Both hear each other. Returns the order that both show."""
    tell(one, two)
    tell(two, one)
    assert one.cells() == two.cells()
    assert names(one) == names(two)
    return names(one)


def test_moves_of_different_playlists_made_apart_both_hold() -> None:
    one, two = two_devices("abcde")
    move(one, "e", 4)
    assert meet(one, two) == "abcde", "all have places"
    move(one, "e", 0)
    move(two, "b", 3)
    assert (names(one), names(two)) == ("eabcd", "acdbe")
    assert meet(one, two) == "eacdb"


def test_of_two_moves_of_one_playlist_the_later_one_holds() -> None:
    one, two = two_devices("abcd")
    move(one, "d", 0)
    assert meet(one, two) == "dabc"
    move(one, "d", 1)
    move(two, "d", 3)
    later = two.move_playlist(two.playlists[3], to=2)
    assert meet(one, two) == "abdc"
    assert later.undo is not None
    later.undo()
    assert meet(one, two) == "abcd"


@pytest.mark.parametrize("first", [("a", 2), ("c", 0), ("b", 2)])
@pytest.mark.parametrize("second", [("a", 1), ("c", 1), ("d", 0), ("a", 3)])
def test_two_devices_that_give_the_first_places_apart_agree_and_go_on(
    first: tuple[str, int], second: tuple[str, int]
) -> None:
    one, two = two_devices("abcd")
    move(one, *first)
    move(two, *second)
    order = meet(one, two)
    assert sorted(order) == list("abcd")
    for face, name, to in [(one, "b", 3), (two, "d", 0), (one, "a", 2)]:
        move(face, name, to)
        rest = order.replace(name, "")
        order = rest[:to] + name + rest[to:]
        assert meet(one, two) == order

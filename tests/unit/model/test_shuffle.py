"""MurmurHash3 by its vectors, and the order made of it."""

from __future__ import annotations

import pytest

from syncd.model.shuffle import murmur3_32, shuffled, upcoming

IDS = [f"i{n}" for n in range(12)]


@pytest.mark.parametrize(
    ("text", "seed", "hash_"),
    [
        ("", 0, 0),
        ("", 1, 0x514E28B7),
        ("", 0xFFFFFFFF, 0x81F16F39),
        ("hello", 0, 0x248BFA47),
        ("hello, world", 0, 0x149BBB7F),
        ("test", 0, 0xBA6BD213),
        ("test", 0x9747B28C, 0x704B81DC),
        ("Hello, world!", 0x9747B28C, 0x24884CBA),
        ("The quick brown fox jumps over the lazy dog", 0x9747B28C, 0x2FA826CD),
        ("aaaa", 0x9747B28C, 0x5A97808A),
        ("aaa", 0x9747B28C, 0x283E0130),
        ("aa", 0x9747B28C, 0x5D211726),
        ("a", 0x9747B28C, 0x7FA09EA6),
    ],
)
def test_the_hash_is_murmur3(text: str, seed: int, hash_: int) -> None:
    assert murmur3_32(text.encode(), seed) == hash_


def test_the_order_is_the_same_whatever_order_the_ids_come_in() -> None:
    order = shuffled(IDS, 42)
    assert shuffled(reversed(IDS), 42) == order
    assert sorted(order) == sorted(IDS)
    assert shuffled(IDS, 43) != order


def test_it_is_sorted_by_hash_then_id() -> None:
    assert shuffled(IDS, 42) == sorted(IDS, key=lambda id_: (murmur3_32(id_.encode(), 42), id_))


def test_the_current_item_comes_first_and_the_rest_keeps_its_round() -> None:
    order = shuffled(IDS, 42)
    turned = shuffled(IDS, 42, current=order[5])
    assert turned == order[5:] + order[:5]


def test_a_current_item_that_is_gone_leaves_its_successor_first() -> None:
    order = shuffled(IDS, 42)
    without = [id_ for id_ in IDS if id_ != order[5]]
    assert shuffled(without, 42, current=order[5]) == order[6:] + order[:5]


def test_a_round_ends_where_it_began() -> None:
    order = shuffled(IDS, 42, current="i3")
    heard = ["i3"]
    while rest := upcoming(IDS, 42, current=heard[-1], first="i3"):
        assert rest == order[len(heard) :]
        heard.append(rest[0])
    assert heard == order


def test_a_round_goes_on_over_items_that_came_and_went() -> None:
    order = shuffled(IDS, 42, current="i3")
    changed = [id_ for id_ in IDS if id_ not in (order[0], order[4])] + ["new"]
    rest = upcoming(changed, 42, current=order[4], first=order[0])
    assert [id_ for id_ in rest if id_ != "new"] == order[5:]


def test_an_empty_context_has_nothing_to_come() -> None:
    assert shuffled([], 42) == []
    assert upcoming([], 42, current="gone", first="gone") == []

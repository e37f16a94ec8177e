"""The shared vectors, read as another SDK reads them: from the files, without the program that wrote them.

Where a rule is short it is written down here a second time, so that both must be wrong alike to agree.
"""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from syncd.model import edits
from syncd.model.canonical import canonical, from_canonical
from syncd.model.cells import Cell, Cells, digest, fold, join, merge
from syncd.model.events import EVENTS, Event
from syncd.model.ids import EventId, key_part
from syncd.model.lowering import lower
from syncd.model.order.tree import Tree, run_of
from syncd.model.restamp import Pending, Reconnect, restamp
from syncd.model.shuffle import murmur3_32, shuffled, upcoming
from syncd.model.stamp import HybridClock, admitted_t, digits, is_expired, ms, pack, stamp
from syncd.model.views.access import access_of
from syncd.model.views.devices import devices_view
from syncd.model.views.history import history_view
from syncd.model.views.library import library_view
from syncd.model.views.lists import list_view, seen, sidebar_view
from syncd.model.views.live_list import ListView
from syncd.model.views.modes import modes_view
from syncd.model.views.playback import playback_view
from syncd.model.views.playlist import playlist_view
from syncd.model.views.plays import Plays, consumed, shown_head
from syncd.model.views.progress import progress_view, through
from syncd.model.views.settings import settings_view
from syncd.model.views.sounding import commands
from syncd.protocol.codec import JSON, MSGPACK
from syncd.protocol.messages import ClientMessage, ServerMessage

FOLDER = Path(__file__).parents[2] / "schemas" / "vectors"


def cases_of(file: str) -> list[Any]:
    """The cases of a file as parameters of a test, named as in the file."""
    cases = json.loads((FOLDER / f"{file}.json").read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case["input"], case["expected"], id=ascii(case["name"])[1:-1]) for case in cases]


def each_case(file: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("given", "expected"), cases_of(file))


def event_of(given: dict[str, Any]) -> Event:
    """An event as the file has it; what was left out gets its default here."""
    kind, data = given["kind"], given["data"]
    return Event(**{**given, "data": msgspec.convert(data, EVENTS[kind]) if kind in EVENTS else data})


def cells_of(given: dict[str, Any]) -> Cells:
    return {key: Cell(rank, value) for key, (rank, value) in given.items()}


def plain(value: object) -> Any:
    return msgspec.to_builtins(value)


# --- the files ---


def test_every_file_is_read_here() -> None:
    read = {"canonical", "digest", "join", "lowering", "messages", "restamp", "shuffle", "stamps"}
    assert {path.stem for path in FOLDER.glob("*.json")} == read | {"views_listener", "views_lists", "views_playback"}


def test_files_are_ascii_with_a_case_a_line_and_names_of_their_own() -> None:
    for path in FOLDER.glob("*.json"):
        text = path.read_bytes().decode("ascii")
        vectors = json.loads(text)
        assert set(vectors) == {"about", "cases"}
        assert len(text.splitlines()) == len(vectors["cases"]) + 2
        assert max(Counter(case["name"] for case in vectors["cases"]).values()) == 1


def test_numbers_in_files_are_whole_and_exact_in_every_language() -> None:
    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is no whole number")

    def check(text: str) -> int:
        assert abs(int(text)) < 2**53, text
        return int(text)

    for path in FOLDER.glob("*.json"):
        json.loads(path.read_text(), parse_float=refuse, parse_constant=refuse, parse_int=check)


# --- small rules ---


@each_case("canonical")
def test_canonical(given: Any, expected: dict[str, str]) -> None:
    assert canonical(given).decode() == expected["text"]
    assert canonical(given).hex() == expected["utf8"]
    assert from_canonical(bytes.fromhex(expected["utf8"])) == given

    def in_order(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: in_order(value[key]) for key in sorted(value, key=str.encode)}
        return [in_order(inner) for inner in value] if isinstance(value, list) else value

    assert json.dumps(in_order(given), ensure_ascii=False, separators=(",", ":")) == expected["text"]


@each_case("join")
def test_join(given: Any, expected: Any) -> None:
    a, b = Cell(*given["a"]), Cell(*given["b"])
    assert join(a, b) == join(b, a) == Cell(*expected)
    assert merge({"k": a}, {"k": b}) == merge({"k": b}, {"k": a}) == {"k": Cell(*expected)}
    assert max((cell.rank.encode(), canonical(cell.value)) for cell in (a, b)) == (
        expected[0].encode(),
        canonical(expected[1]),
    )


@each_case("digest")
def test_digest(given: Any, expected: Any) -> None:
    if "cells" in given:
        assert digest(cells_of(given["cells"])) == expected["digest"]
        return
    writes = [(key, Cell(rank, value)) for key, rank, value in given["writes"]]
    for order in given["permutations"]:
        cells: Cells = {}
        fold(cells, [writes[index] for index in order])
        assert cells == cells_of(expected["cells"])
        assert digest(cells) == expected["digest"]
    total = 0
    for key, (rank, value) in expected["cells"].items():
        data = f"{key}\0{rank}\0".encode() + canonical(value)
        total += int(sha256(data).hexdigest()[:16], 16)
    assert f"{total % 2**64:016x}" == expected["digest"]


@each_case("stamps")
def test_stamps(given: Any, expected: Any) -> None:
    arguments = dict(given)
    match arguments.pop("op"):
        case "digits":
            assert digits(**arguments) == expected
            assert int(expected, 32) == arguments["n"]
            assert len(expected) == 11
        case "pack":
            assert pack(arguments["ms"], arguments["counter"]) == expected
            assert arguments["ms"] * 2048 + arguments["counter"] == expected
        case "ms":
            assert ms(arguments["t"]) == expected == arguments["t"] // 2048
        case "stamp":
            assert stamp(**arguments) == expected
        case "clock":
            clock = HybridClock()
            lasts = []
            for reading in arguments["readings"]:
                if "receive" in reading:
                    clock.receive(reading["receive"])
                else:
                    assert clock.tick(reading["tick"]) == clock.last
                lasts.append(clock.last)
            assert lasts == expected
        case "admitted_t":
            assert admitted_t(**arguments) == expected
        case "is_expired":
            assert is_expired(**arguments) is expected
        case "key_part":
            assert key_part(**arguments) == expected
        case unknown:
            raise AssertionError(unknown)


@each_case("shuffle")
def test_shuffle(given: Any, expected: Any) -> None:
    arguments = dict(given)
    match arguments.pop("op"):
        case "hash":
            assert murmur3_32(arguments["text"].encode(), arguments["seed"]) == expected
        case "order":
            assert shuffled(**arguments) == expected
            assert sorted(expected) == sorted(arguments["ids"])
        case "upcoming":
            assert upcoming(**arguments) == expected
        case unknown:
            raise AssertionError(unknown)


def test_hashes_of_merge_md_are_among_the_vectors() -> None:
    hashes = {(one.values[0]["text"], one.values[0]["seed"]): one.values[1] for one in cases_of("shuffle")
              if one.values[0]["op"] == "hash"}  # fmt: skip
    published = {("", 0): 0, ("", 1): 0x514E28B7, ("hello", 0): 0x248BFA47, ("hello, world", 0): 0x149BBB7F}
    assert {question: hashes[question] for question in published} == published


@each_case("restamp")
def test_restamp(given: Any, expected: Any) -> None:
    pending = [
        msgspec.convert({**event, "data": msgspec.convert(event["data"], EVENTS[event["kind"]])}, Pending)
        for event in given["pending"]
    ]
    restamped = restamp(pending, msgspec.convert(given["now"], Reconnect), writer=given["writer"])
    assert [{"t": event.t, "data": plain(event.data)} for event in restamped] == expected
    times = [event["t"] for event in expected]
    assert times == sorted(set(times)), "a writer's times rise"


# --- events, messages ---


@each_case("lowering")
def test_lowering(given: Any, expected: Any) -> None:
    assert lower(event_of(given)) == cells_of(expected)


def test_every_kind_is_lowered() -> None:
    assert {one.values[0]["kind"] for one in cases_of("lowering")} >= set(EVENTS)


@each_case("messages")
def test_messages(given: Any, expected: Any) -> None:
    assert json.loads(given["json"]) == expected
    for codec, payload in ((JSON, given["json"].encode()), (MSGPACK, bytes.fromhex(given["msgpack"]))):
        decode = codec.decode_client if given["from"] == "client" else codec.decode_server
        message = decode(payload)
        assert message is not None
        assert type(message).__struct_config__.tag == expected["type"]
        assert codec.decode_value(codec.encode(message)) == expected


def test_every_message_is_among_the_vectors() -> None:
    said = {(one.values[0]["from"], one.values[1]["type"]) for one in cases_of("messages")}
    sides = (("client", ClientMessage), ("server", ServerMessage))
    assert said == {(side, each.__struct_config__.tag) for side, union in sides for each in get_args(union)}


# --- stories ---


def entries(found: Any) -> list[Any]:
    return [{"id": entry.id, "item": entry.item} for entry in found]


def answer(cells: Cells, view: str, asked: dict[str, Any]) -> Any:
    match view:
        case "playback":
            return plain(playback_view(cells, asked["at_ms"], device=asked["device"]))
        case "answers":
            head = shown_head(Plays(cells), asked["device"])
            start = None if head is None else Plays(cells).start_of(head)
            return None if head is None or start is None else commands(cells, head, start.device or "").answers
        case "modes":
            return plain(modes_view(cells))
        case "queue":
            heard = consumed(cells, device=asked.get("device"))
            live = ListView("queue", cells)
            live.consume(heard)
            assert live.items() == list_view(cells, "queue", consumed=heard)
            return entries(live.items())
        case "items":
            assert ListView("items", cells).items() == list_view(cells, "items")
            return entries(list_view(cells, "items"))
        case "slots":
            prefix = f"{asked['list']}/run/"
            runs = {key.removeprefix(prefix): cell.value for key, cell in cells.items() if key.startswith(prefix)}
            return Tree(run_of(EventId(run_id), value) for run_id, value in runs.items()).order()
        case "place_at_end":
            return ListView(asked["list"], cells).place_at_end()._asdict()
        case "place_after":
            live = ListView(asked["list"], cells)
            left = None if asked["left"] is None else live.slot_of(asked["left"])
            return live.place(left)._asdict()
        case "insert_at":
            inserted = edits.insert_at(ListView(asked["list"], cells), asked["index"], [{"track": "new"}])
            return {"parent": inserted.parent, "side": inserted.side}
        case "move_to":
            moved = edits.move_to(ListView(asked["list"], cells), asked["ids"], asked["index"])
            return {"parent": moved.parent, "side": moved.side}
        case "seen":
            return seen(cells, asked["list"])
        case "sidebar":
            return sidebar_view(cells, hidden=frozenset(asked["hidden"]))
        case "library":
            return {set_: [[id_, value] for id_, value in ids.items()] for set_, ids in library_view(cells).items()}
        case "settings":
            return settings_view(cells)
        case "progress":
            return plain(progress_view(cells))
        case "through":
            return through(cells, asked["episode"])
        case "history":
            return plain(history_view(cells))
        case "devices":
            return plain(devices_view(cells))
        case "playlist":
            return plain(playlist_view(cells))
        case "access":
            access = access_of(cells, asked["account"], asked["owner"])
            may_write = access.may_write(asked["kind"])
            return {"role": access.role, "may_subscribe": access.may_subscribe(), "may_write": may_write}
    raise AssertionError(view)


def stories() -> list[Any]:
    return [case for file in ("views_listener", "views_lists", "views_playback") for case in cases_of(file)]


@pytest.mark.parametrize(("given", "expected"), stories())
def test_every_order_of_a_story_shows_the_same(given: Any, expected: Any) -> None:
    events = [event_of(event) for event in given["events"]]
    assert len(given["permutations"]) >= 4
    for order in given["permutations"]:
        assert set(order) == set(range(len(events))), "every event is delivered"
        cells: Cells = {}
        live = [ListView("queue"), ListView("items"), ListView("sidebar")]
        for index in order:
            changed = fold(cells, lower(events[index]))
            for kept in live:
                kept.apply(changed)
        assert digest(cells) == expected["digest"]
        for kept in live:
            assert kept.items() == list_view(cells, kept.name), "kept up to date is read anew"
        for question, answered in zip(given["views"], expected["views"], strict=True):
            asked = {name: value for name, value in question.items() if name != "view"}
            assert answer(cells, question["view"], asked) == answered, question


@pytest.mark.parametrize(("given", "expected"), stories())
def test_a_story_told_in_two_halves_merges_to_the_same(given: Any, expected: Any) -> None:
    events = [event_of(event) for event in given["events"]]
    halves: list[Cells] = [{}, {}]
    for index, event in enumerate(events):
        # Every third event reached both.
        for half in (0, 1) if index % 3 == 0 else (index % 2,):
            fold(halves[half], lower(event))
    assert digest(merge(*halves)) == digest(merge(*reversed(halves))) == expected["digest"]

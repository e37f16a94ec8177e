"""Every rule of admission, in order, on both sides of its border. Source: merge.md section 1."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from syncd.gateway.admission import admit
from syncd.gateway.author import Author
from syncd.gateway.lane import OWN_KINDS, Lane, Rules
from syncd.gateway.ledger import StreamLedger, WriterLedger, note_all
from syncd.gateway.verdict import UNDER_WAY, Admission, Repeat, Verdict
from syncd.limits import EVENT_BYTES_MAX, ITEMS_MAX
from syncd.log.record import decode_record
from syncd.model.events import VOID
from syncd.model.stamp import pack
from syncd.model.upcast import SCHEMA_VERSION
from syncd.protocol.codec import JSON, MSGPACK, Codec
from syncd.protocol.messages import EmittedEvent, Nack
from syncd.push.delta import framed_delta
from syncd.push.entry import VoidAnswer

NOW_MS = 1_763_870_000_000
STREAM = "a:alice"
PLAYLIST = "p:playlist-of-alice-00"
WRITER = "k3v9q2m4ta"
INSERT = {"list": "queue", "side": "R", "items": [{"track": "t1"}]}


class TheseRules(Rules):
    """Rules as a test says them."""

    def __init__(self) -> None:
        self.allowed = True
        self.owner = "alice"
        self.steady = True
        """Whether what is allowed is so by no role."""
        self.looks_full = False
        self.room = 1_000

    def kinds_of(self, account: str) -> frozenset[str]:
        return OWN_KINDS if self.steady and self.may_write(account, "") else frozenset()

    def may_write(self, account: str, kind: str) -> bool:
        return self.allowed and account == "alice"

    def list_room(self, list_name: str) -> int:
        return self.room


@dataclass
class Door:
    """One writer at the door of one stream."""

    stream: str = STREAM
    codec: Codec = JSON
    account: str = "alice"
    rules: TheseRules = field(default_factory=TheseRules)
    writer: WriterLedger = field(default_factory=lambda: WriterLedger(WRITER))
    ledger: StreamLedger = field(default_factory=StreamLedger)

    def emit(self, seq: int, kind: str = "settings.changed", data: Any = None, *, t: int = 1, **more: Any) -> Verdict:
        """Judge an event as it comes off the wire."""
        raw = Raw(self.codec.encode({"k": seq} if data is None else data))
        if "hints" in more:
            more["hints"] = Raw(self.codec.encode(more["hints"]))
        return self.judge(EmittedEvent(self.stream, seq, t, kind, raw, **more))

    def judge(self, event: EmittedEvent | Nack) -> Verdict:
        author = Author(self.account, "d1", "eu")
        self.rules.steady = self.stream == STREAM
        lane = Lane(self.stream, author=author, writer=self.writer, ledger=self.ledger, rules=self.rules)
        return admit(event, lane, codec=self.codec, now_ms=NOW_MS)

    def durable(self, verdict: Verdict) -> None:
        """The log has it."""
        assert isinstance(verdict, Admission)
        self.writer.streams[self.stream] = self.ledger
        note_all({WRITER: self.writer}, [verdict.entry])


def admitted(verdict: Verdict) -> Admission:
    assert isinstance(verdict, Admission), verdict
    assert verdict.nack is None, verdict.nack
    return verdict


def voided(verdict: Verdict) -> Nack:
    """The nack of a refusal for good, whose seq a void uses up."""
    assert isinstance(verdict, Admission), verdict
    assert verdict.nack is not None
    record = decode_record(verdict.record)
    assert (verdict.record.kind, record.event.kind) == (VOID, VOID)
    assert verdict.entry.void == VoidAnswer(verdict.nack.reason, verdict.nack.message)
    assert verdict.entry.cells == {}
    return verdict.nack


def refused(verdict: Verdict) -> Nack:
    """A nack that uses up nothing."""
    assert isinstance(verdict, Nack), verdict
    return verdict


# --- seqs ---


def test_the_next_seq_is_admitted_as_the_record_and_the_cells_of_the_same_event() -> None:
    door = Door()
    verdict = admitted(door.emit(1, t=pack(NOW_MS), valid_ms=10_000, hints={"before": "x"}))
    record = verdict.record
    assert (record.stream, record.writer, record.seq, record.kind) == (STREAM, WRITER, 1, "settings.changed")
    assert record.version == SCHEMA_VERSION
    body = msgspec.json.decode(record.body)
    assert body == {"t": pack(NOW_MS), "data": {"k": 1}, "account": "alice", "device": "d1", "admitted_ms": NOW_MS,
                    "region": "eu", "valid_ms": 10_000, "hints": {"before": "x"}}  # fmt: skip
    assert verdict.entry.cells["settings/k"].value == 1
    assert (verdict.entry.account, verdict.entry.device, verdict.entry.t) == ("alice", "d1", pack(NOW_MS))


def test_the_record_is_encoded_anew_and_never_the_clients_bytes() -> None:
    loose = EmittedEvent(STREAM, 1, 1, "progress.marked", Raw(b'{ "played" : true,\n"episode" : "e" }'))
    record = admitted(Door().judge(loose)).record
    assert b'"data":{"episode":"e","played":true}' in record.body
    packed = EmittedEvent(STREAM, 1, 1, "progress.marked", Raw(MSGPACK.encode({"played": True, "episode": "e"})))
    assert admitted(Door(codec=MSGPACK).judge(packed)).record == record


def test_a_durable_seq_is_answered_as_the_first_time_whatever_it_says_now() -> None:
    door = Door()
    door.durable(door.emit(1, t=pack(NOW_MS)))
    door.durable(door.emit(2, data={"k": 0.5}))
    door.rules.allowed = False
    assert door.emit(1, t=pack(NOW_MS) + 5) == Repeat(1, pack(NOW_MS))
    answer = door.emit(2, "no.such.kind")
    assert isinstance(answer, Repeat)
    assert isinstance(answer.answer, VoidAnswer)
    assert answer.answer.reason == "invalid"


def test_a_durable_seq_that_memory_forgot_is_left_to_the_log() -> None:
    assert Door(ledger=StreamLedger(durable=7)).emit(7) == Repeat(7, None)


def test_a_seq_on_its_way_to_the_log_is_not_answered_twice() -> None:
    door = Door()
    admitted(door.emit(1))
    assert door.emit(1) is UNDER_WAY


def test_a_gap_is_told_once_until_the_expected_seq_comes() -> None:
    door = Door()
    assert refused(door.emit(2)) == Nack(STREAM, 2, "gap", "seq 2 came, 1 was expected", 1)
    assert door.emit(3) is None
    assert door.emit(2) is None
    admitted(door.emit(1))
    assert refused(door.emit(3)).expect == 2
    assert door.emit(4) is None


def test_a_gap_is_told_before_anything_else_is_judged() -> None:
    door = Door()
    door.rules.allowed = False
    assert refused(door.emit(9, "no.such.kind", {"x": 0.5})).reason == "gap"


# --- authority ---


@pytest.mark.parametrize(
    ("stream", "kind", "words"),
    [
        (STREAM, "device.revoked", "written by the server only"),
        (STREAM, "void", "written by the server only"),
        (STREAM, "projection.rebuilt", "written by the server only"),
        (STREAM, "playlist.described", "does not belong into a: streams"),
        (PLAYLIST, "settings.changed", "does not belong into p: streams"),
    ],
)
def test_some_kinds_are_nobodys_to_write_here(stream: str, kind: str, words: str) -> None:
    nack = refused(Door(stream=stream).emit(1, kind))
    assert nack.reason == "forbidden"
    assert words in nack.message
    assert kind in nack.message


@pytest.mark.parametrize("event", ["good", "unknown kind", "bad data", "unreadable"])
def test_who_may_not_write_uses_up_nothing_and_leaves_no_record(event: str) -> None:
    door = Door()
    door.rules.allowed = False

    def come(seq: int) -> Verdict:
        if event == "unreadable":
            return door.judge(Nack(STREAM, seq, "invalid", "`$.t` is missing"))
        kind = "no.such.kind" if event == "unknown kind" else "settings.changed"
        return door.emit(seq, kind, {"x": 0.5} if event == "bad data" else None)

    assert refused(come(1)).reason == "forbidden"
    assert refused(come(1)).reason == "forbidden"
    door.rules.allowed = True
    assert isinstance(come(1), Admission)


# --- shape ---


def test_what_cannot_be_read_uses_up_its_seq() -> None:
    door = Door()
    assert voided(door.judge(Nack(STREAM, 1, "invalid", "Expected `int`"))).message == "Expected `int`"
    admitted(door.emit(2))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("no.such.kind", {}),
        ("settings.changed", {"k": 0.5}),
        ("settings.changed", []),
        ("progress.marked", {"more": 1}),
    ],
)
def test_bad_shape_is_invalid_and_the_next_seq_goes_on(kind: str, data: Any) -> None:
    door = Door()
    assert voided(door.emit(1, kind, data)).reason == "invalid"
    admitted(door.emit(2))


@pytest.mark.parametrize("hints", ["a\0", 0.5, 2**53, {"x": [-(2**53)]}])
def test_hints_hold_no_more_than_data_may(hints: Any) -> None:
    assert voided(Door().emit(1, hints=hints)).reason == "invalid"


def test_five_hundred_items_fit_and_one_more_does_not() -> None:
    items = [{"track": "t"}] * ITEMS_MAX
    admitted(Door().emit(1, "list.inserted", {**INSERT, "items": items}))
    nack = voided(Door().emit(1, "list.inserted", {**INSERT, "items": [*items, {"track": "t"}]}))
    assert nack.reason == "limit"
    assert "501 items" in nack.message


# --- time ---


def test_half_a_second_ahead_is_kept_and_more_is_clamped_to_now() -> None:
    ahead = pack(NOW_MS + 500) + 2_047
    assert admitted(Door().emit(1, t=ahead)).entry.t == ahead
    assert admitted(Door().emit(1, t=pack(NOW_MS + 501))).entry.t == pack(NOW_MS)


def test_a_writers_times_rise_on_whatever_stream() -> None:
    door = Door()
    first = admitted(door.emit(1, t=pack(NOW_MS)))
    assert admitted(door.emit(2, t=1)).entry.t == first.entry.t + 1
    other = Door(stream=PLAYLIST, writer=door.writer)
    assert admitted(other.emit(1, "playlist.described", {"name": "x"}, t=1)).entry.t == first.entry.t + 2
    assert voided(door.emit(3, data={"x": 0.5})).reason == "invalid"
    assert admitted(door.emit(4, t=1)).entry.t == first.entry.t + 4


def test_a_control_is_good_until_the_last_ms_and_no_longer() -> None:
    admitted(Door().emit(1, t=pack(NOW_MS - 10_000), valid_ms=10_000))
    nack = voided(Door().emit(1, t=pack(NOW_MS - 10_001), valid_ms=10_000))
    assert nack.reason == "expired"
    assert "10000 ms" in nack.message
    assert "10001 ms" in nack.message


def test_a_control_from_the_future_counts_from_now() -> None:
    admitted(Door().emit(1, t=pack(NOW_MS + 86_400_000), valid_ms=0))


def test_lateness_is_judged_by_the_sent_time_and_not_by_the_lifted_one() -> None:
    """Behind another event of the writer the time is lifted; that must not make an old control fresh."""
    door = Door()
    admitted(door.emit(1, t=pack(NOW_MS)))
    assert voided(door.emit(2, t=pack(NOW_MS - 10_001), valid_ms=10_000)).reason == "expired"


def test_an_event_without_an_end_never_expires() -> None:
    admitted(Door().emit(1, t=0))


# --- limits ---


@pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])
@pytest.mark.parametrize("character", ["x", "é", "\x01", "\\"])
def test_64_kib_of_canonical_json_fit_and_one_byte_more_does_not(codec: Codec, character: str) -> None:
    cost = len(msgspec.json.encode(character)) - 2
    count, rest = divmod(EVENT_BYTES_MAX - len('{"k":""}'), cost)
    fits = character * count + "x" * rest
    assert len(msgspec.json.encode({"k": fits})) == EVENT_BYTES_MAX
    admitted(Door(codec=codec).emit(1, data={"k": fits}))
    nack = voided(Door(codec=codec).emit(1, data={"k": fits + "x"}))
    assert nack.reason == "limit"
    assert str(EVENT_BYTES_MAX) in nack.message


def test_hints_count_towards_the_size() -> None:
    half = "x" * (EVENT_BYTES_MAX // 2)
    assert voided(Door().emit(1, data={"k": half}, hints=half)).reason == "limit"
    admitted(Door().emit(1, data={"k": half}, hints="x"))


def test_a_list_takes_what_it_has_room_for() -> None:
    door = Door()
    door.rules.looks_full, door.rules.room = True, 2
    admitted(door.emit(1, "list.inserted", {**INSERT, "items": [{"track": "t"}] * 2}))
    nack = voided(door.emit(2, "list.inserted", {**INSERT, "items": [{"track": "t"}] * 3}))
    assert nack.reason == "limit"
    assert "3 items into list queue, which has room for 2" in nack.message
    admitted(door.emit(3, "list.removed", {"list": "queue", "ids": [f"{WRITER}.1.0"]}))


# --- orphans ---


def test_what_names_a_refused_event_is_refused_too_before_the_log_has_answered() -> None:
    door = Door()
    voided(door.emit(1, "list.inserted", {**INSERT, "items": [{}]}))
    nack = voided(door.emit(2, "list.inserted", {**INSERT, "parent": f"{WRITER}.1.0"}))
    assert nack.reason == "orphan"
    assert f"{WRITER}.1" in nack.message
    assert voided(door.emit(3, "list.removed", {"list": "queue", "ids": [f"{WRITER}.2.0"]})).reason == "orphan"


def test_voids_of_an_earlier_connection_orphan_as_well() -> None:
    door = Door(ledger=StreamLedger(durable=3, voids=frozenset({2})))
    assert voided(door.emit(4, "list.removed", {"list": "queue", "ids": [f"{WRITER}.2.7"]})).reason == "orphan"
    admitted(door.emit(5, "list.removed", {"list": "queue", "ids": [f"{WRITER}.3.0"]}))


def test_events_of_others_with_the_same_number_are_no_orphans_makers() -> None:
    door = Door(ledger=StreamLedger(durable=2, voids=frozenset({1, 2})))
    other = "z" + WRITER[1:]
    admitted(door.emit(3, "list.inserted", {**INSERT, "parent": f"{other}.1.0"}))
    admitted(door.emit(4, "list.inserted", {**INSERT, "parent": f"{WRITER}.11.0"}))


@pytest.mark.parametrize(("kind", "data"), [("settings.changed", {"k": 1}), ("list.inserted", INSERT)])
def test_what_a_ring_keeps_of_an_event_is_nothing_that_the_collector_looks_at(kind: str, data: Any) -> None:
    entry = admitted(Door().emit(1, kind, data)).entry
    framed_delta(entry, JSON, "cursor")
    entry.lowered = None  # as the hub does once a delta was sent
    assert not any(gc.is_tracked(getattr(entry, name)) for name in entry.__struct_fields__)

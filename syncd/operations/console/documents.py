"""What the console shows, as JSON. Every list in it has a bound, and says when it was cut."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final, cast

import msgspec

from syncd.accounts import Device
from syncd.errors import Refused
from syncd.model.canonical import Json, canonical
from syncd.model.stamp import ms
from syncd.operations.dead_letters import position_text, why_not
from syncd.operations.timeline import Other, Place, Step, Timeline, Write
from syncd.store.port import DeadLetter, DeadLetterRow

VALUE_CHARS_MAX: Final = 600
"""Of a cell's value in a timeline; a run of 500 items has more, and the state shows them."""
WRITES_MAX: Final = 50
"""Of one step; an event that changes a library writes up to 500."""
ENTRIES_MAX: Final = 500
"""Of one list or map of a state."""
BODY_BYTES_MAX: Final = 4_096
"""Of a dead letter's body, as text; the command shows all of it."""

Document = dict[str, Json]


def encoded(value: object) -> bytes:
    """JSON of a document, or of one of our structs."""
    return msgspec.json.encode(value)


def timeline_document(shown: Timeline) -> Document:
    """Steps oldest first. `older`: where to ask on for those before them; null when there are none."""
    older = None
    if shown.left_out and shown.steps:
        older = ":".join(map(str, shown.steps[0].place))
    return {
        "steps": [_step(step, shown.names) for step in shown.steps],
        "older": older,
        "left_out": shown.left_out,
        "begins_at": cast(Json, shown.begins_at),
    }


def place_of(older: str) -> Place:
    """The inverse of `older`. Raises `Refused`: it is none."""
    admitted_ms, _, rest = older.partition(":")
    stream, _, offset = rest.rpartition(":")
    if not (admitted_ms.isdecimal() and offset.isdecimal()):
        raise Refused(f"{older[:60]!r} is no place in a timeline; allowed: an answer's `older`")
    return int(admitted_ms), stream, int(offset)


def _step(step: Step, names: Mapping[str, str]) -> Json:
    return {
        "stream": step.stream,
        "partition": step.partition,
        "offset": step.offset,
        "event": step.event,
        "kind": step.kind,
        "says": step.says,
        "at_ms": ms(step.t) or None,
        "admitted_ms": step.admitted_ms or None,
        "account": step.account,
        "device": step.device,
        "device_name": step.device_name,
        "writes": [_write(write, names) for write in step.writes[:WRITES_MAX]],
        "writes_count": len(step.writes),
    }


def _write(write: Write, names: Mapping[str, str]) -> Json:
    return {
        "key": write.key,
        "value": _short(canonical(write.value).decode()),
        "rank": write.rank,
        "outcome": write.outcome,
        "over": _other(write.over, names),
        "by": _other(write.by, names),
        "because": write.because,
    }


def _other(other: Other | None, names: Mapping[str, str]) -> Json:
    if other is None:
        return None
    return {
        "event": other.event,
        "kind": other.kind,
        "account": other.account,
        "device": other.device,
        "device_name": names.get(other.device),
        "at_ms": ms(other.t),
    }


def bounded_state(state: Mapping[str, Json]) -> Document:
    """A state whose lists and maps have at most `ENTRIES_MAX` entries; `cut`: how many each had that has fewer now."""
    cut: dict[str, Json] = {}
    return {name: _bounded(value, name, cut) for name, value in state.items()} | {"cut": cut}


def _bounded(value: Json, path: str, cut: dict[str, Json]) -> Json:
    if isinstance(value, list):
        if len(value) > ENTRIES_MAX:
            cut[path] = len(value)
        return [_bounded(each, f"{path}/{n}", cut) for n, each in enumerate(value[:ENTRIES_MAX])]
    if isinstance(value, dict):
        if len(value) > ENTRIES_MAX:
            cut[path] = len(value)
        return {name: _bounded(each, f"{path}/{name}", cut) for name, each in list(value.items())[:ENTRIES_MAX]}
    return value


def device_document(device: Device, *, writers: int, last_ms: int | None) -> Document:
    """`last_ms`: the time of its last event that was folded; null when it never wrote."""
    return {
        "device": device.device,
        "name": device.name,
        "linked_ms": device.linked_ms,
        "revoked_ms": device.revoked_ms,
        "writers": writers,
        "last_ms": last_ms,
    }


def letters_document(letters: Sequence[DeadLetter], *, more: bool) -> Document:
    """`after`: where to ask on; null when there are no more."""
    return {
        "letters": [_letter(letter) for letter in letters],
        "after": position_text(letters[-1].position) if more and letters else None,
    }


def _letter(letter: DeadLetter) -> Document:
    return {
        "position": position_text(letter.position),
        "stream": letter.stream,
        "event": f"{letter.writer}.{letter.seq}",
        "kind": letter.kind,
        "version": letter.version,
        "body_bytes": letter.body_bytes,
        "reason": letter.reason,
    }


def letter_document(letter: DeadLetter, row: DeadLetterRow) -> Document:
    """One letter, opened. `retry_fails`: why this version could not fold it either; null when it could."""
    return _letter(letter) | {
        "body": row.body[:BODY_BYTES_MAX].decode(errors="backslashreplace"),
        "body_base64": b64encode(row.body[:BODY_BYTES_MAX]).decode(),
        "retry_fails": why_not(row),
    }


def _short(text: str) -> str:
    return text if len(text) <= VALUE_CHARS_MAX else f"{text[:VALUE_CHARS_MAX]}… {len(text) - VALUE_CHARS_MAX} more"

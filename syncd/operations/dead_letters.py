"""Records that were set aside: looked at, appended again when they can be read, or let go.

A letter never joins at its old offset: devices have cursors beyond it, and would not be told. Retried, it goes through
the log's end like any record, with its writer, seq and time, so every road (push, catch-up, projector, refold) takes it
in; and since joining a record twice changes nothing, so does retrying one twice.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final

from syncd.errors import AppendUnknown, LogUnavailable, NotFound, Poison, Refused
from syncd.log.port import EventLog
from syncd.log.record import Record, decode_record
from syncd.model.events import EVENTS, VOID
from syncd.model.lowering import lower
from syncd.store.port import DeadLetter, DeadLetterRow, DeadLetters, LetterFilter, LetterPosition

PAGE: Final = 500
"""Letters asked for at once; without their bodies they are a few hundred bytes each."""


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of a retry.

    Attributes:
        offset: of the record that was appended; None when the letter stays.
        reason: why it stays; empty otherwise.
    """

    position: LetterPosition
    partition: int
    offset: int | None
    reason: str


async def letters(store: DeadLetters, filter_: LetterFilter) -> AsyncGenerator[DeadLetter, None]:
    """The letters that pass, by position. Those that come or go meanwhile may be among them or not.

    Raises:
        StoreUnavailable: no answer.
    """
    after: LetterPosition | None = None
    while page := await store.dead_letters(filter_, after=after, limit=PAGE):
        for letter in page:
            yield letter
        after = page[-1].position


async def find_letter(store: DeadLetters, text: str) -> DeadLetter:
    """The letter that an operator names: `partition:offset`, with `@epoch` where two lives of the log have one there.

    Raises:
        Refused: the text is no position, or names several letters.
        NotFound: there is no letter.
        StoreUnavailable: no answer.
    """
    named = position_of(text)
    at = LetterFilter(partition=named.partition, offset=named.offset)
    found = await store.dead_letters(at, after=None, limit=PAGE)
    found = [letter for letter in found if named.epoch in ("", letter.position.epoch)]
    if not found:
        raise NotFound(f"there is no dead letter at {text}")
    if len(found) > 1:
        which = ", ".join(position_text(letter.position) for letter in found)
        raise Refused(f"{text} names the dead letters of {len(found)} lives of the log: write one of {which}")
    return found[0]


def position_of(text: str) -> LetterPosition:
    """The position that an operator wrote; its epoch is empty where none is named. Raises `Refused`: it is none."""
    place, _, epoch = text.partition("@")
    partition, _, offset = place.partition(":")
    if not (_is_count(partition) and _is_count(offset)):
        raise Refused(f"{text!r} is no position: write partition:offset, as `syncd dead-letters list` prints it")
    return LetterPosition(int(partition), epoch, int(offset))


def position_text(position: LetterPosition) -> str:
    """As operators write it, epoch included."""
    return f"{position.partition}:{position.offset}@{position.epoch}"


async def open_letter(store: DeadLetters, position: LetterPosition) -> DeadLetterRow:
    """One letter, whole. Raises `NotFound`, `StoreUnavailable`."""
    letter = await store.dead_letter(position)
    if letter is None:
        raise NotFound(f"the dead letter at {position_text(position)} is gone")
    return letter


def why_not(letter: DeadLetterRow) -> str | None:
    """Why this version could not fold the letter's record if it came again; None when it could."""
    record = _record_of(letter)
    try:
        event = decode_record(record).event
        if event.kind not in EVENTS and event.kind != VOID:
            return f"this version knows no kind {event.kind!r}"
        lower(event)
    except Poison as error:
        return f"{error.code}: {error}"
    return None


async def retry(log: EventLog, store: DeadLetters, position: LetterPosition) -> Retried:
    """Append a letter's record at the end of the log, if this version can read it now; then the letter is gone.

    Stopped in between, the letter stays although its record was appended. Retry it again: that changes nothing but the
    log's length.

    Raises:
        NotFound: there is no such letter.
        LogUnavailable, AppendUnknown, StoreUnavailable: the letter stays; try again.
    """
    letter = await open_letter(store, position)
    record = _record_of(letter)
    reason = why_not(letter)
    if reason is not None:
        return Retried(position, letter.partition, None, reason)
    (appended,) = await log.append([record])
    if appended.outcome == "refused":
        raise LogUnavailable(f"the record of {position_text(position)} was not appended: {appended.reason}")
    if appended.outcome == "unknown":
        raise AppendUnknown(f"nobody knows whether the record of {position_text(position)} was appended; retry it")
    await store.drop_dead_letter(position)
    return Retried(position, appended.partition, appended.offset_start, "")


async def chosen(
    store: DeadLetters, positions: Sequence[str], filter_: LetterFilter | None
) -> AsyncGenerator[DeadLetter, None]:
    """The letters named one by one, or those that pass the filter. Raises as `find_letter`."""
    for text in positions:
        yield await find_letter(store, text)
    if filter_ is not None:
        async for letter in letters(store, filter_):
            yield letter


def _record_of(letter: DeadLetterRow) -> Record:
    return Record(letter.stream, letter.writer, letter.seq, letter.kind, letter.version, letter.body)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 16

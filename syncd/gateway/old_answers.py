"""How events that are sent again, long after, were answered the first time. The log knows.

It is read backwards from the writer's newest record on that stream. That is near: what a device sends again is what it
sent just before it lost its connection, since it sends nothing more until it knows how those ended. Times are no guide:
an event that was made offline is days older than its admission, and clocks are wrong. What is further away only a log
finds that reads one stream without the others.
"""

from __future__ import annotations

from syncd.errors import Poison
from syncd.gateway.ledger import Answer
from syncd.limits import ANSWER_SCAN_RECORDS_MAX, READ_RECORDS_MAX
from syncd.log.port import EventLog, SearchableLog
from syncd.log.record import LoggedRecord, decode_record, time_of
from syncd.model.events import VOID
from syncd.push.entry_of import void_answer


async def old_answers(
    log: EventLog, stream: str, writer: str, seq: int, *, t: int, newest_offset: int
) -> dict[int, Answer]:  # fmt: skip
    """The answer of `seq`, first, and those of its neighbours that were met on the way; empty when it was not found.

    An event that was admitted twice has the answer of its first record, unless thousands of others lie between.

    Args:
        t: what the client believes; stands in for that of a record which nobody can read.
        newest_offset: of the writer's newest record on the stream; -1 when nobody knows.

    Raises:
        LogUnavailable: no answer in time.
    """
    partition = log.partition_of(stream)
    end = await log.end(partition)
    upper = newest_offset + 1 if 0 <= newest_offset < end else end
    floor = max(await log.start(partition), upper - ANSWER_SCAN_RECORDS_MAX)
    found: dict[int, Answer] = {}
    is_last = False
    while upper > floor and not is_last:
        # One part more than where it is found: an earlier record of it would be there.
        is_last = seq in found
        from_ = max(floor, upper - READ_RECORDS_MAX)
        found |= await _answers_in(log, stream, writer, from_, upper)
        upper = from_
    if seq not in found:
        record = await log.find(stream, writer, seq) if isinstance(log, SearchableLog) else None
        return {} if record is None else {seq: _answer(record) or t}
    return {seq: found.pop(seq) or t, **{other: answer for other, answer in found.items() if answer}}


async def _answers_in(log: EventLog, stream: str, writer: str, from_: int, until: int) -> dict[int, Answer]:
    """The first answer of each of the writer's events in a part of the partition."""
    answers: dict[int, Answer] = {}
    while from_ < until:
        records, from_ = await log.read_stream(stream, from_, until=until, limit=READ_RECORDS_MAX)
        for record in records:
            if record.writer == writer and record.seq not in answers:
                answers[record.seq] = _answer(record)
    return answers


def _answer(record: LoggedRecord) -> Answer:
    """0 when even the time cannot be read."""
    try:
        event = decode_record(record).event
    except Poison:
        # A newer gateway may have written it, or a disk broke it. It is durable: that is what an ack says.
        return time_of(record) or 0
    return void_answer(event.data) if event.kind == VOID else event.t

"""What a device emits, on its way to the log: each event is judged, and then answered or handed to the appender."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncd.gateway.admission import admit
from syncd.gateway.lane import Lane
from syncd.gateway.ledger import Answer
from syncd.gateway.pending import Pending
from syncd.gateway.verdict import UNDER_WAY, Admission, Repeat
from syncd.model.ids import is_stream
from syncd.protocol import close_codes
from syncd.protocol.messages import AckItem, EmittedEvent, Nack
from syncd.push.entry import VoidAnswer

if TYPE_CHECKING:
    from syncd.gateway.conversation import Conversation


def take_in(conversation: Conversation, events: Sequence[EmittedEvent | Nack]) -> Sequence[EmittedEvent | Nack]:
    """Judge events in order, and answer each or send it to the log.

    Returns:
        Those that are left, the first of which needs something loaded: `prepare`.
    """
    gateway = conversation.gateway
    if gateway.draining:
        return ()  # no answer: the client sends them again where it comes back
    appender, lanes, codec = gateway.appender, conversation.lanes, conversation.outbox.codec
    now_ms = gateway.clock.now_ms()
    for taken, event in enumerate(events):
        lane = lanes.get(event.stream) or _lane_of(conversation, event.stream)
        if lane is None:
            if _is_none_of_ours(conversation, event):
                continue
            return events[taken:]
        rules = lane.rules
        if (rules.looks_full or rules.owner is None) and _must_prepare(conversation, lane.stream, event):
            return events[taken:]
        if appender.full:
            conversation.refuse(Nack(lane.stream, event.seq, "unavailable", "too many events wait for the log"))
            continue
        verdict = admit(event, lane, codec=codec, now_ms=now_ms)
        if isinstance(verdict, Admission):
            if verdict.clamped:
                gateway.metrics.events_clamped += 1
            appender.submit(Pending(verdict.record, verdict.entry, conversation, lane.ledger))
        elif isinstance(verdict, Repeat):
            if verdict.answer is None:
                return events[taken:]
            _repeat(conversation, lane.stream, verdict.seq, verdict.answer)
        elif isinstance(verdict, Nack):
            conversation.refuse(verdict)
        else:
            assert verdict is UNDER_WAY or verdict is None
    return ()


async def prepare(conversation: Conversation, event: EmittedEvent | Nack) -> bool:
    """Load what `take_in` missed. The answer of an old seq comes last: it may be forgotten while others load.

    False when the log has forgotten it: the device comes back without its writer, and looks what was admitted.
    """
    gateway = conversation.gateway
    assert conversation.login is not None
    assert conversation.writer is not None
    stream = conversation.resolve(event.stream)
    guard = await conversation.guard_of(stream)
    if guard.playlist and guard.owner is None:
        guard.owner = (await gateway.store.claim_stream(stream, owner=conversation.login.account)).owner
        gateway.roles_changed(guard)
    ledger = await conversation.ledger_of(stream)
    if guard.must_recount(conversation.now_s()):
        await guard.recount(gateway.log, gateway.store, gateway.clock)
    if event.seq <= ledger.durable and event.seq not in ledger.answers:
        t = event.t if isinstance(event, EmittedEvent) else 0
        if not await gateway.writers.recall(ledger, conversation.writer.writer, stream, event.seq, t=t):
            conversation.end(close_codes.WRITER_OUTDATED, f"the log has forgotten {stream} {event.seq}")
            return False
    return True


def nack_of(stream: str, seq: int, void: VoidAnswer) -> Nack:
    """The answer to an event whose seq a void used up."""
    return Nack(stream, seq, void.reason, void.message)  # type: ignore[arg-type]  # as an older gateway wrote it


def _lane_of(conversation: Conversation, named: str) -> Lane | None:
    """The lane into a stream, once its ledger and its rules are at hand, by the name that events give it."""
    writer, author = conversation.writer, conversation.author
    assert writer is not None
    assert author is not None
    stream = conversation.resolve(named)
    ledger, guard = writer.streams.get(stream), conversation.guards.get(stream)
    if ledger is None or guard is None:
        return None
    lane = conversation.lanes[named] = Lane(stream, author=author, writer=writer, ledger=ledger, rules=guard)
    return lane


def _must_prepare(conversation: Conversation, stream: str, event: EmittedEvent | Nack) -> bool:
    """Whether a stream that nobody has written to, or whose lists look full, must be looked at first."""
    guard = conversation.guards[stream]
    if guard.owner is None:
        return True
    is_insert = isinstance(event, EmittedEvent) and event.kind == "list.inserted"
    return is_insert and guard.must_recount(conversation.now_s())


def _is_none_of_ours(conversation: Conversation, event: EmittedEvent | Nack) -> bool:
    """Whether a stream that is not at hand never will be, which is then said; else it must be loaded."""
    stream = conversation.resolve(event.stream)
    if not is_stream(stream):
        message = f"{stream[:100]} is no stream; a stream is a:<account>, a:me or p:<playlist>"
    elif conversation.is_foreign(stream):
        message = "this is another account's stream"
    else:
        return False
    conversation.refuse(Nack(stream, event.seq, "forbidden", message))
    return True


def _repeat(conversation: Conversation, stream: str, seq: int, answer: Answer) -> None:
    """Answer a durable seq as it was answered the first time."""
    if isinstance(answer, int):
        assert conversation.writer is not None
        conversation.gateway.metrics.events_seen += 1
        conversation.outbox.ack(AckItem(stream, conversation.writer.writer, seq, answer, seen=True))
    else:
        conversation.refuse(nack_of(stream, seq, answer))

"""What a device emits, on its way to the log: each event is judged, and then answered or handed to the appender."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.gateway.admission import UNDER_WAY, Admission, Repeat, admit
from syncd.gateway.appender import Pending
from syncd.gateway.ledger import Answer
from syncd.model.ids import is_stream
from syncd.protocol import close_codes
from syncd.protocol.messages import AckItem, EmittedEvent, Nack
from syncd.push.entry import VoidAnswer

if TYPE_CHECKING:
    from syncd.gateway.conversation import Conversation


def take_in(conversation: Conversation, event: EmittedEvent | Nack) -> bool:
    """Judge one event and answer it, or send it to the log. False when something must be loaded first: `prepare`."""
    gateway, writer, author = conversation.gateway, conversation.writer, conversation.author
    assert writer is not None
    assert author is not None
    if gateway.draining:
        return True  # no answer: the client sends it again where it comes back
    stream = conversation.own_stream if event.stream == "a:me" else event.stream
    ledger, guard = writer.streams.get(stream), conversation.guards.get(stream)
    if ledger is None or guard is None:
        return _is_none_of_ours(conversation, stream, event.seq)
    if guard.owner is None:
        return False
    if guard.looks_full and _is_insert(event) and guard.must_recount(conversation.now_s()):
        return False
    if gateway.appender.full:
        conversation.refuse(Nack(stream, event.seq, "unavailable", "too many events wait for the log"))
        return True
    verdict = admit(
        event, stream, author=author, writer=writer, ledger=ledger, rules=guard, codec=conversation.outbox.codec,
        now_ms=gateway.clock.now_ms(),
    )  # fmt: skip
    if isinstance(verdict, Admission):
        if isinstance(event, EmittedEvent) and verdict.entry.t < event.t:
            gateway.metrics.events_clamped += 1
        gateway.appender.submit(Pending(verdict.record, verdict.entry, conversation, ledger))
    elif isinstance(verdict, Repeat):
        return _repeat(conversation, stream, verdict.seq, verdict.answer)
    elif isinstance(verdict, Nack):
        conversation.refuse(verdict)
    else:
        assert verdict is UNDER_WAY or verdict is None
    return True


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


def _is_insert(event: EmittedEvent | Nack) -> bool:
    return isinstance(event, EmittedEvent) and event.kind == "list.inserted"


def _is_none_of_ours(conversation: Conversation, stream: str, seq: int) -> bool:
    """Whether a stream that is not at hand never will be, which is then said; else it must be loaded."""
    if not is_stream(stream):
        message = f"{stream[:100]} is no stream; a stream is a:<account>, a:me or p:<playlist>"
    elif conversation.is_foreign(stream):
        message = "this is another account's stream"
    else:
        return False
    conversation.refuse(Nack(stream, seq, "forbidden", message))
    return True


def _repeat(conversation: Conversation, stream: str, seq: int, answer: Answer | None) -> bool:
    """Answer a durable seq as it was answered the first time; False when that must be looked up."""
    if answer is None:
        return False
    if isinstance(answer, int):
        assert conversation.writer is not None
        conversation.gateway.metrics.events_seen += 1
        conversation.outbox.ack(AckItem(stream, conversation.writer.writer, seq, answer, seen=True))
    else:
        conversation.refuse(nack_of(stream, seq, answer))
    return True

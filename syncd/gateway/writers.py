"""Which writer a connection gets, and what its ledgers begin with.

The ledger of a writer whose connection ended is kept a while, and the tail keeps it up to date. Who comes back in that
time needs no look into the store; what it may have written through another gateway is in the log, up to whose end the
tail is always waited for.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncd.clock import Clock
from syncd.errors import LogUnavailable
from syncd.gateway.author import Author
from syncd.gateway.lately import Lately
from syncd.gateway.ledger import Identity, StreamLedger, WriterLedger
from syncd.gateway.old_answers import old_answers
from syncd.gateway.questions import Questions, Registration
from syncd.gateway.tails import Tails
from syncd.limits import APPEND_TIMEOUT_S
from syncd.log.port import EventLog
from syncd.model.ids import WRITER_LENGTH
from syncd.protocol import close_codes
from syncd.protocol.messages import StreamClaim
from syncd.push.history import recent_entries
from syncd.push.hub import Hub
from syncd.store.port import WriterIdentity, WriterKnown, WriterProgress

if TYPE_CHECKING:
    from syncd.gateway.appender import Appender
    from syncd.gateway.conversation import Conversation

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_NOTHING = WriterProgress(0, 0, -1)


def fresh_writer() -> str:
    """10 random characters; 51 bits, and the store refuses one that is taken."""
    drawn, digits = secrets.randbelow(len(_ALPHABET) ** WRITER_LENGTH), ""
    for _ in range(WRITER_LENGTH):
        drawn, digit = divmod(drawn, len(_ALPHABET))
        digits += _ALPHABET[digit]
    return digits


class Writers:
    """The ledgers of the writers that are connected here, or were a moment ago."""

    def __init__(
        self, log: EventLog, questions: Questions, hub: Hub, tails: Tails, appender: Appender, clock: Clock
    ) -> None:  # fmt: skip
        self._log = log
        self._questions = questions
        self._clock = clock
        self._hub = hub
        self._tails = tails
        self._appender = appender
        self.ledgers: dict[str, WriterLedger] = {}
        self._holders: dict[str, Conversation] = {}
        self._left: Lately[str] = Lately(self._forget)

    async def claim(
        self, writer: str | None, *, nonce: str, author: Author, claims: Sequence[StreamClaim],
        conversation: Conversation, proposal: str | None = None,
    ) -> WriterLedger:  # fmt: skip
        """The ledger of the writer that this connection will use, with a `StreamLedger` for each claimed stream.

        The writer asked for is kept when it belongs to this device, the nonce is that of its local store and the store
        knows of every seq that the server knows of; else it is a fresh one. A store that has none yet may propose the
        one it has drawn; it is taken if it is free, or was taken for this very store by a welcome that got lost.
        """
        fresh = None
        if writer is None and proposal is not None:
            if await self._register(proposal, nonce=nonce, author=author):
                fresh = proposal
            else:
                writer = proposal
        if writer is not None:
            identity = (author.account, author.device, nonce)
            resumed = await self._resume(writer, identity, claims, conversation)
            if resumed is not None:
                return resumed
        identity = (author.account, author.device, nonce)
        ledger = WriterLedger(fresh or await self._draw(nonce=nonce, author=author), identity, is_fresh=True)
        for claim in claims:
            ledger.streams[claim.stream] = StreamLedger()
        self._hold(ledger, conversation)
        return ledger

    async def load(self, writer: WriterLedger, stream: str) -> StreamLedger:
        """The ledger of one more stream of a connected writer."""
        if writer.is_fresh:
            return writer.streams.setdefault(stream, StreamLedger())
        await self._load(writer, [stream])
        return writer.streams[stream]

    async def recall(self, ledger: StreamLedger, writer: str, stream: str, seq: int, *, t: int) -> bool:
        """Let a ledger know again how an old seq was answered; False when the log does not tell, and never will.

        Args:
            t: what the client believes; stands in for that of a record which nobody can read.

        Raises:
            LogUnavailable: no answer; the client asks again.
        """
        assert seq <= ledger.durable
        answers = await old_answers(self._log, stream, writer, seq, t=t, newest_offset=ledger.newest_offset)
        ledger.recall(answers)
        return bool(answers)

    def release(self, conversation: Conversation) -> None:
        """A connection is gone; its writer may come back, unless another connection took it over."""
        ledger = conversation.writer
        if ledger is not None and self._holders.get(ledger.writer) is conversation:
            del self._holders[ledger.writer]
            ledger.rest()
            self._left.left(ledger.writer, now_s=self._clock.monotonic_s())

    def distrust(self, writer: str) -> None:
        """Nobody knows what became of some of its events: who comes back with it has it loaded anew."""
        if writer not in self._holders:
            self._left.drop(writer)
            self._forget(writer)

    def sweep(self, now_s: float) -> None:
        """Forget those who did not come back."""
        self._left.sweep(now_s)

    # --- inside ---

    async def _resume(
        self, writer: str, identity: Identity, claims: Sequence[StreamClaim], conversation: Conversation
    ) -> WriterLedger | None:
        """The ledger of a writer that the connection may keep, or None."""
        known = self.ledgers.get(writer)
        # Writer ids are no secret, they stand in everybody's cells: a stranger must not end the owner's connection.
        if known is not None:
            whose = known.identity or _identity(await self._questions.writers.answer(writer))
            if whose != identity:
                return None
        await self._take_over(writer)
        streams = [claim.stream for claim in claims]
        ledger = self._come_back(writer, streams)
        # Held before it is loaded: what the tail publishes meanwhile is noted.
        self._hold(ledger, conversation)
        try:
            await self._load(ledger, streams)
        except BaseException:
            self._let_go(writer, conversation)
            raise
        is_whole = all((claim.last_seq or 0) >= ledger.streams[claim.stream].durable for claim in claims)
        if ledger.identity == identity and is_whole:
            return ledger
        self._let_go(writer, conversation)
        return None

    def _come_back(self, writer: str, streams: Sequence[str]) -> WriterLedger:
        """The ledger that was left here, or an empty one."""
        if not self._left.taken(writer, now_s=self._clock.monotonic_s()):
            return WriterLedger(writer)
        ledger = self.ledgers[writer]
        ledger.come_back(streams)
        return ledger

    def _hold(self, ledger: WriterLedger, conversation: Conversation) -> None:
        self.ledgers[ledger.writer] = ledger
        self._holders[ledger.writer] = conversation

    def _let_go(self, writer: str, conversation: Conversation) -> None:
        if self._holders.get(writer) is conversation:
            del self._holders[writer]
            del self.ledgers[writer]

    def _forget(self, writer: str) -> None:
        self.ledgers.pop(writer, None)

    async def _take_over(self, writer: str) -> None:
        """A local store has one connection: close an older one, and let what it has under way reach the log."""
        while True:
            older = self._holders.get(writer)
            if older is None and self._is_settled(writer):
                return
            if older is not None:
                older.end(close_codes.REPLACED)
                self._let_go(writer, older)  # one that was still being loaded; else its end has left it behind
            if not self._is_settled(writer):
                await self._appender.settled(writer, timeout_s=APPEND_TIMEOUT_S)
            if writer not in self._holders:  # else a third one came while we waited
                return

    def _is_settled(self, writer: str) -> bool:
        """Whether its ledger says that nothing is under way; the appender would have to look through all that is."""
        ledger = self.ledgers.get(writer)
        if ledger is None or ledger.identity is None:
            return False
        return all(each.admitted == each.durable for each in ledger.streams.values())

    async def _draw(self, *, nonce: str, author: Author) -> str:
        for _ in range(5):
            writer = fresh_writer()
            if await self._register(writer, nonce=nonce, author=author):
                return writer
        raise LogUnavailable("no free writer id in five draws")  # 36^10 ids: the store answers nonsense

    async def _register(self, writer: str, *, nonce: str, author: Author) -> bool:
        identity = WriterIdentity(writer, author.account, author.device, nonce)
        return await self._questions.registrations.answer(Registration(identity))

    async def _load(self, writer: WriterLedger, streams: Sequence[str]) -> None:
        """Bring the ledgers of streams to the log's end; of those that are not here, add what the store knows and the
        log holds from its checkpoint on.

        The checkpoints are read before the store's writers: what was folded in between is then met twice, never missed.
        """
        questions = self._questions
        partitions = {self._log.partition_of(stream) for stream in streams}
        for partition, end in (await questions.ends.answers(partitions)).items():
            tail = self._tails.of(partition)
            if tail.position < end:
                await tail.reached(end, timeout_s=APPEND_TIMEOUT_S)
        streams = [stream for stream in streams if stream not in writer.streams]
        if not streams and writer.identity is not None:
            return
        checkpoints = await questions.checkpoints.answers(partitions)
        known = await questions.writers.answer(writer.writer)
        writer.identity = _identity(known)
        # A connected writer may be ahead of the store.
        for progress in known.progress.values():
            writer.reached(progress.t)
        for stream in streams:
            folded = known.progress.get(stream, _NOTHING)
            ledger = StreamLedger(
                folded.seq, known.voids.get(stream, frozenset()), newest_offset=folded.log_offset
            )  # fmt: skip
            recent = self._hub.recent[partition := self._log.partition_of(stream)]
            offset = min(checkpoints[partition].offset_next, recent.position)
            entries, _ = await recent_entries(self._log, recent, stream, offset)
            for entry in entries:
                if entry.writer == writer.writer:
                    writer.reached(entry.t)
                    ledger.note(entry)
            writer.streams[stream] = ledger


def _identity(known: WriterKnown) -> Identity:
    return known.account, known.device, known.nonce

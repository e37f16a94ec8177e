"""A file's lines, delivered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

from syncd.errors import Conflict, Poison
from syncd.log.record import Record, decode_record
from syncd.model.ids import AccountId, account_stream
from syncd.operations.advance import Phase, quietly
from syncd.operations.transfer.delivery import Delivered, Delivery
from syncd.operations.transfer.file import read_file, read_header
from syncd.operations.transfer.gather import Place
from syncd.operations.transfer.lines import AccountLine, Content, RecordLine, StreamLine
from syncd.operations.transfer.pace import Pace


async def import_file(place: Place, path: Path, *, phase: Phase = quietly, check_only: bool = False) -> Delivered:
    """Bring an export into a deployment. Interrupted, it goes on when it is called again.

    The file is read twice: it is proven whole, and free of conflicts, before anything is written.

    Args:
        check_only: stop there.

    Raises:
        NotFound, Undecodable: there is no such file, or it is no export, or is cut or damaged. Nothing is written.
        Conflict: what is there already contradicts the file; the text names what. Nothing is written.
        LogUnavailable, AppendUnknown, StoreUnavailable: a part is written; import again.
    """
    streams = _streams(path) if read_header(path).what not in ("deployment", "records") else None
    with closing(Delivery(place)) as delivery:
        with phase("looking at what is there", "records") as advance:
            await delivery.prepare(streams, progress=advance)
        with phase("checking the file", "bytes") as advance:
            await delivery.check(read_file(path, progress=advance))
        if check_only:
            return delivery.delivered
        with phase("importing", "bytes") as advance:
            for line in read_file(path, progress=advance):
                await delivery.take(line)
            return await delivery.finish()


async def deliver(
    place: Place, content: AsyncIterator[Content], *, speed: float | None, phase: Phase = quietly
) -> Delivered:
    """Bring lines into another deployment as they are gathered, at a pace. Raises as `import_file`, but for conflicts
    that stand behind the first record: those are met when they are met.

    Args:
        speed: as in `Pace`.
    """
    pace = Pace(speed)
    with closing(Delivery(place)) as delivery:
        with phase("looking at what is there", "records") as advance:
            await delivery.prepare(None, progress=advance)
        async for line in content:
            await delivery.check_line(line)
            if isinstance(line, RecordLine) and speed is not None:
                await pace.wait(_admitted_ms(line.record))
                await delivery.take(line)
                await delivery.finish()  # one by one: whoever watches the other place shall see them come
            else:
                await delivery.take(line)
        return await delivery.finish()


def check_other(here: Place, there: Place) -> None:
    """Raise `Conflict` when both are one deployment."""
    if here.log.epoch(0) == there.log.epoch(0):
        raise Conflict("that is this deployment itself")


def _streams(path: Path) -> set[str]:
    """The streams of an account's export; its identities come before its records."""
    streams: set[str] = set()
    for line in _identities(path):
        if isinstance(line, AccountLine):
            streams.add(account_stream(AccountId(line.account)))
        elif isinstance(line, StreamLine):
            streams.add(line.stream)
    return streams


def _identities(path: Path) -> Iterator[Content]:
    for line in read_file(path):
        if isinstance(line, RecordLine):
            return
        yield line


def _admitted_ms(record: Record) -> int | None:
    try:
        return decode_record(record).admitted_ms
    except Poison:
        return None

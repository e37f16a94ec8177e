"""Replay editing histories recorded from people at work, through real sockets, on two and three devices.

    python -m load.recorded                          both histories, whole; minutes
    python -m load.recorded --transactions 2000      their first 2,000 transactions
    python -m load.recorded --json                   one JSON object a line

Each inserted character is a track put into a playlist, each deletion a removal. The recordings are linear, so a device
takes its turn only when it shows what the one before has done. `sveltecomponent` is one person, who changes the device
every 100 transactions; `friendsforever_flat` are two people, who take turns after every transaction. At the end the
lists of all devices, and of one that comes late, must be the recorded text, and their digests the server's.

A playlist holds 20,000 entries unless the deployment says otherwise, and one of the texts is longer: this server says
30,000 (`SYNCD_LIST_ITEMS_MAX`). The histories lie beside the project, in ../shared/data (CC BY 4.0, see the README
there). Exit code 0 when every text came out, 1 when not, 2 when the histories are not there.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from load.arguments import command
from load.report import Progress, print_table
from syncd.accounts import LinkedDevice
from syncd.client import Change, Device, Refusal
from syncd.client.own_event import OwnEvent
from syncd.client.playlist import new_playlist_id
from syncd.errors import Refused
from syncd.testing.server_process import ServerProcess

DATA = Path(__file__).parents[2] / "shared" / "data"
TURNS = {"sveltecomponent": 100, "friendsforever_flat": 1}
"""History -> transactions before another device goes on."""
LIST_ITEMS_MAX = 30_000
"""Of the server that takes them: the longest text, `friendsforever_flat`, ends with 21,362 characters."""
OWED_MAX = 500
"""Events that may wait for their answers before the replay pauses: a listener's device never has so many."""
SEEN_TIMEOUT_S = 30.0

Patch = tuple[int, int, str]
"""(position, characters deleted there, text inserted there), as `Array.splice` takes them."""


class History(NamedTuple):
    """Transactions, each of some patches, and the text they end with."""

    transactions: list[list[Patch]]
    text: str


@dataclass
class Replayed:
    """What one replay came to. `ms_each`: per transaction, waiting for the other device included."""

    history: str
    devices: int
    transactions: int
    events: int
    seconds: float
    ms_each: float
    server_cpu_s: float
    entries: int
    is_text: bool
    agrees: bool

    @property
    def right(self) -> bool:
        return self.is_text and self.agrees


def read_history(name: str, *, transactions: int | None = None) -> History:
    """A history, or its first transactions.

    Raises:
        FileNotFoundError: the recordings are not there; says where they were looked for.
    """
    path = DATA / f"{name}.json.gz"
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is not in ../shared/data: the recorded histories are no part of syncd")
    recorded = json.loads(gzip.decompress(path.read_bytes()))
    assert recorded["startContent"] == ""
    patches = [[(at, deleted, text) for at, deleted, text in txn["patches"]] for txn in recorded["txns"]]
    if transactions is None or transactions >= len(patches):
        return History(patches, recorded["endContent"])
    text: list[str] = []
    for at, deleted, inserted in (patch for patches_ in patches[:transactions] for patch in patches_):
        text[at : at + deleted] = inserted
    return History(patches[:transactions], "".join(text))


class Typist:
    """One device, on which the text is a playlist."""

    def __init__(self, device: Device, playlist: str) -> None:
        self.device = device
        self.events = 0
        self._playlist = device.playlist(playlist)
        self._ranks: dict[str, str] = {}
        self._refused: list[Refusal] = []
        device.on_change(self._changed)
        device.on_refused(self._refused.append)

    @property
    def text(self) -> str:
        return "".join(self._playlist.tracks)

    def type(self, patch: Patch) -> OwnEvent | None:
        """One patch, as edits of the playlist; the last event it made.

        Raises:
            Refused: the server did not take an earlier one.
        """
        if self._refused:
            raise Refused(f"the server refused an edit: {self._refused[0]}")
        at, deleted, inserted = patch
        made: list[OwnEvent] = []
        if deleted:
            ids = [entry.id for entry in self._playlist.slice(at, at + deleted)]
            made += self._playlist.remove(*ids).events
        if inserted:
            made += self._playlist.insert(at, *inserted).events
        self.events += len(made)
        return made[-1] if made else None

    async def sees(self, event: OwnEvent) -> None:
        """Wait until this device shows what an event of another one wrote, or something later.

        Raises:
            TimeoutError: it does not, after `SEEN_TIMEOUT_S`.
        """

        def shows() -> bool:
            return all(self._ranks.get(key, "") >= cell.rank for key, cell in event.cells.items())

        await self.device.until(shows, timeout_s=SEEN_TIMEOUT_S)

    def _changed(self, change: Change) -> None:
        if change.stream == self._playlist.stream:
            self._ranks.update({key: cell.rank for key, cell in change.cells.items() if cell is not None})


def recording_server(folder: Path) -> ServerProcess:
    """A server that takes the longest of the texts; it starts when it is entered."""
    environment = {"SYNCD_LIST_ITEMS_MAX": str(LIST_ITEMS_MAX)}
    return ServerProcess(folder / "data", options=["--no-demo"], environment=environment)


async def replay(
    server: ServerProcess, name: str, history: History, *, devices: int, turn: int, progress: Progress | None = None
) -> Replayed:
    """One replay, in an account of its own."""
    logins = await server.link(f"{name} {new_playlist_id()}", *(f"device {n}" for n in range(devices + 1)))
    playlist = new_playlist_id()
    cpu_s, started_s = server.cpu_s, time.monotonic()
    async with AsyncExitStack() as stack:
        typists = [await _typist(stack, server, login, playlist) for login in logins[:devices]]
        previous: OwnEvent | None = None
        for n, patches in enumerate(history.transactions):
            typist = typists[n // turn % devices]
            if n % turn == 0 and previous is not None:
                await typist.sees(previous)
            for patch in patches:
                previous = typist.type(patch) or previous
            if typist.device.owed > OWED_MAX:
                await typist.device.until(lambda: typist.device.owed < OWED_MAX // 2)  # noqa: B023 - awaited here
            elif n % 20 == 0:
                await asyncio.sleep(0)
            if progress is not None:
                progress.advance(n + 1, f"{name} on {devices} devices")
        for typist in typists:
            await typist.device.settled()
            if previous is not None:
                await typist.sees(previous)
        seconds = time.monotonic() - started_s
        typists.append(await _typist(stack, server, logins[devices], playlist))
        agrees = [(await typist.device.verify(f"p:{playlist}")).agrees for typist in typists]
        texts = [typist.text for typist in typists]
    return Replayed(
        history=name, devices=devices, transactions=len(history.transactions),
        events=sum(typist.events for typist in typists), seconds=round(seconds, 1),
        ms_each=round(1e3 * seconds / len(history.transactions), 2), server_cpu_s=round(server.cpu_s - cpu_s, 1),
        entries=len(texts[0]), is_text=all(text == history.text for text in texts), agrees=all(agrees),
    )  # fmt: skip


async def _typist(stack: AsyncExitStack, server: ServerProcess, login: LinkedDevice, playlist: str) -> Typist:
    device = Device(server.ws_url, login.token)
    typist = Typist(device, playlist)
    await stack.enter_async_context(device)
    await device.ready()
    return typist


def main() -> int:
    parser = command("load.recorded", __doc__)
    parser.add_argument("--transactions", type=int, default=None, metavar="N", help="only the first N of each history")
    parser.add_argument("--devices", type=int, choices=(2, 3), default=None, help="both when not given")
    parser.add_argument("--history", choices=sorted(TURNS), default=None, help="both when not given")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    names = [options.history] if options.history else list(TURNS)
    try:
        histories = {name: read_history(name, transactions=options.transactions) for name in names}
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    found: list[Replayed] = []
    with (
        tempfile.TemporaryDirectory(prefix="syncd-recorded-") as folder,
        recording_server(Path(folder)) as server,
    ):
        for name, history in histories.items():
            for devices in [options.devices] if options.devices else [2, 3]:
                progress = Progress("transactions", len(history.transactions))
                work = replay(server, name, history, devices=devices, turn=TURNS[name], progress=progress)
                found.append(asyncio.run(work))
                progress.done()
                if options.json:
                    print(json.dumps(asdict(found[-1])), flush=True)
    if not options.json:
        report(found)
    return 0 if all(replayed.right for replayed in found) else 1


def report(found: Sequence[Replayed]) -> None:
    head = ("history", "devices", "transactions", "events", "seconds", "ms each", "server cpu s", "entries", "end")
    rows = []
    for each in found:
        counts = (f"{each.devices}", f"{each.transactions:,}", f"{each.events:,}")
        costs = (f"{each.seconds:,.1f}", f"{each.ms_each:.2f}", f"{each.server_cpu_s:,.1f}", f"{each.entries:,}")
        rows.append((each.history, *counts, *costs, "as recorded" if each.right else "WRONG"))
    print_table(head, rows)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

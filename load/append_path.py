"""Where the milliseconds of one event go: the gateway's steps from admission to the delta's write, on either log.

    python -m load.append_path                                   paced-2000 on Kafka
    python -m load.append_path --server syncd --scenario paced-5000
    python -m load.append_path --json

Gateway and projector run as `load.stamped_role`. Beside the steps: what devices saw in the same run, how much of the
server's core each process took, and how often it asked the brokers.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
from msgspec.structs import replace as changed

from load.arguments import command
from load.bench import cores
from load.generator.job import Job, Outcome, Step
from load.generator.spread import spread
from load.generator_process import GeneratorFailed, generate
from load.peers.peer import Place
from load.peers.pinned import ServerFailed
from load.peers.syncd import SYNCD
from load.report import Progress, print_table
from load.scenarios import SCENARIOS, Paced
from load.stamped_role import Noted, Way

KAFKA_STEPS = (
    ("waits for the append before it", "admitted", "closed"),
    ("batches are built, the request is written", "closed", "sent"),
    ("the broker answers", "sent", "answered"),
    ("the answer reaches the appender", "answered", "told"),
    ("published, deltas written", "told", "published"),
)
POSTGRES_STEPS = (KAFKA_STEPS[0], ("Postgres commits", "closed", "told"), KAFKA_STEPS[-1])
WHOLE = ("**admitted to written**", "admitted", "published")
SHARES = (0.5, 0.95, 0.99)


def main() -> int:
    parser = command("load.append_path", __doc__)
    paced = [name for name, scenario in SCENARIOS.items() if isinstance(scenario, Paced)]
    parser.add_argument("--scenario", choices=paced, default="paced-2000")
    parser.add_argument("--server", choices=[peer.name for peer in SYNCD if len(peer.roles) > 1], default="syncd-kafka")
    parser.add_argument("--seconds", type=float, default=6.0, help="of measuring; 6")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    scenario = SCENARIOS[options.scenario]
    assert isinstance(scenario, Paced)
    try:
        with tempfile.TemporaryDirectory(prefix="syncd-path-") as folder:
            outcome, noted = _run(options.server, changed(scenario, seconds=options.seconds), Path(folder))
    except (ServerFailed, GeneratorFailed) as error:
        print(error, file=sys.stderr)
        return 1
    _report(outcome, noted, scenario, kafka="kafka" in outcome.cpu_s, as_json=options.json)
    return 0


def _run(server: str, scenario: Paced, folder: Path) -> tuple[Outcome, dict[str, Noted]]:
    server_core, other_core = cores(pin=True)
    (peer,) = (peer for peer in SYNCD if peer.name == server)
    progress = Progress("steps", 1)
    with replace(peer, stamped=folder).run(Place(folder, server_core), scenario) as running:

        def tell(step: Step) -> None:
            progress.advance(0, f"{step.done:g} of {step.total:g} {step.phase}")

        job = Job(
            adapter=running.adapter, host=running.host, port=running.port, scenario=scenario,
            processes=running.processes, logins=running.logins,
        )  # fmt: skip
        outcome = generate(job, core=other_core, tell=tell)
    progress.done()
    return outcome, {role: msgspec.msgpack.decode((folder / role).read_bytes(), type=Noted) for role in peer.roles}


def _report(outcome: Outcome, noted: dict[str, Noted], scenario: Paced, *, kafka: bool, as_json: bool) -> None:
    ways = _measured(noted["gateway"].ways, warmup_s=scenario.warmup_s)
    steps = {name: _quantiles(ways, begin, end) for name, begin, end in
             (*(KAFKA_STEPS if kafka else POSTGRES_STEPS), WHOLE)}  # fmt: skip
    window_s = outcome.window_s
    core = {name: round(spent_s / window_s, 3) for name, spent_s in outcome.cpu_s.items()}
    groups = len(ways) / outcome.window_s
    asked = {
        role: {kind: _busiest(by_second) for kind, by_second in each.requests.items()} for role, each in noted.items()
    }
    if as_json:
        print(json.dumps({"steps_ms": steps, "core": core, "groups_a_second": groups, "requests_a_second": asked}))
        return
    print_table(("ms of an event", *(f"p{share * 100:g}" for share in SHARES)),
                [(name, *(f"{ms:.2f}" for ms in found)) for name, found in steps.items()])  # fmt: skip
    if outcome.latency is not None:
        seen = ", ".join(f"p{share * 100:g} {outcome.latency.at(share):.2f}" for share in SHARES)
        print(f"\ndevice to device, ms: {seen}; {groups:,.0f} appends a second")
    print("share of the server's core: " + ", ".join(f"{name} {share:.0%}" for name, share in core.items()))
    for role, kinds in asked.items():
        print(f"{role} asks brokers, requests a second: " + ", ".join(f"{kind} {n:,}" for kind, n in kinds.items()))
    for remark in outcome.remarks:
        print(remark)


def _measured(ways: list[Way], *, warmup_s: float) -> list[Way]:
    """Without those of the warm-up."""
    if not ways:
        return []
    begin = ways[0].admitted[0] + int(warmup_s * 1e9)
    return [way for way in ways if way.admitted[0] >= begin]


def _quantiles(ways: list[Way], begin: str, end: str) -> list[float]:
    found = spread(list(_between(ways, begin, end)))
    return [] if found is None else [found.at(share) for share in SHARES]


def _between(ways: list[Way], begin: str, end: str) -> Iterator[int]:
    """ns of each event."""
    for way in ways:
        ended: int = getattr(way, end)
        for admitted in way.admitted:
            began: int = admitted if begin == "admitted" else getattr(way, begin)
            yield ended - began


def _busiest(by_second: dict[int, int]) -> int:
    """Of a typical second under load: the median of the busier half."""
    counts = sorted(by_second.values())
    return counts[len(counts) * 3 // 4]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

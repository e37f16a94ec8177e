"""Where the microseconds of one event, or of one resume, go: the gateway's processor time by stage.

    python -m load.profile_gateway                          a table of stages, and of the costliest functions
    python -m load.profile_gateway --scenario deliveries-64
    python -m load.profile_gateway --scenario storm-3000    of a resume, when all come back in one moment
    python -m load.profile_gateway --stacks stacks.txt      also the raw stacks, for a flame graph

py-spy looks at the running gateway 250 times a second, Python and C together. A stage's share of the looks, times the
processor time that the kernel counted, is what it cost; looks that found the process asleep do not count.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from load.arguments import command
from load.generator.job import Job, Outcome, Step
from load.generator.runs.storm import CALM
from load.generator_process import GeneratorFailed, generate
from load.peers import PEERS
from load.peers.peer import Place, Running
from load.peers.pinned import ServerFailed
from load.peers.relays import RELAYS
from load.peers.syncd import SYNCD
from load.report import Progress, print_table
from load.scenarios import SCENARIOS, Deliveries, Storm

LOOKS_PER_S = 250
CALM_S = 2.0
"""Before a storm: py-spy needs a moment to attach."""
FUNCTIONS_SHOWN = 25
_PY_SPY = Path(sys.executable).with_name("py-spy")


class Stage(NamedTuple):
    """Some of what an event costs. `frames`: texts one of which stands in the names of its functions or files."""

    name: str
    frames: tuple[str, ...]


ASLEEP = ("epoll_wait", "epoll_pwait")
# A look belongs to the stage of its innermost frame that is listed here; within a frame, the first stage wins.
STAGES = (
    Stage("collecting garbage", ("gc_collect_main",)),
    Stage("writing to sockets (kernel)", ("UVStream__exec_write", "UVStream__try_write")),
    Stage("reading from sockets (kernel)", ("read (libc", "recv (libc")),
    Stage("Postgres: driver and pool", ("asyncpg/", "syncd/postgres/", "syncd/log/postgres/")),
    Stage("Kafka: driver and log", ("aiokafka/", "aiokafka.", "syncd/log/kafka/")),
    Stage("frames in", ("websockets/", "syncd/gateway/whole_frame")),
    Stage("decoding messages", ("syncd/protocol/codec", "syncd/protocol/depth", "syncd/model/raw",
                                "protocol/server_session")),
    Stage("validating data", ("syncd/model/validate", "syncd/model/plain", "syncd/model/free_json",
                              "syncd/model/events")),
    Stage("lowering", ("syncd/model/lowering", "syncd/model/stamp", "syncd/model/canonical")),
    Stage("encoding records", ("syncd/log/record",)),
    Stage("authority and list counts", ("syncd/gateway/guard",)),
    Stage("admission, the rest", ("syncd/gateway/admission", "syncd/gateway/intake", "syncd/gateway/lane",
                                  "syncd/gateway/ledger")),
    Stage("grouping appends", ("syncd/gateway/appender",)),
    Stage("encoding and framing deltas", ("syncd/push/entry", "syncd/protocol/framing")),
    Stage("outbox: writes above the kernel", ("syncd/gateway/outbox", "syncd/push/turn", "syncd/push/sink")),
    Stage("recent ring, hub", ("syncd/push/",)),
    Stage("publishing, the rest", ("Gateway._publish", "Gateway._written")),
    Stage("conversation", ("syncd/gateway/conversation",)),
    Stage("connection", ("syncd/gateway/connection",)),
    Stage("metrics, logs", ("syncd/metrics", "syncd/logs", "prometheus_client/")),
    Stage("presence, sweeps, the rest of the gateway", ("syncd/",)),
)  # fmt: skip
EVENT_LOOP = "event loop"


def main() -> int:
    parser = command("load.profile_gateway", __doc__)
    loops = [name for name, scenario in SCENARIOS.items() if isinstance(scenario, Deliveries | Storm)]
    parser.add_argument("--scenario", choices=loops, default="deliveries-512")
    parser.add_argument("--server", choices=[peer.name for peer in (*SYNCD, *RELAYS)], default="syncd")
    parser.add_argument("--seconds", type=float, default=10.0, help="of looking; 10")
    parser.add_argument("--stacks", type=Path, metavar="FILE", help="where to write the raw stacks")
    options = parser.parse_args()
    if not _PY_SPY.exists():
        print(f"{_PY_SPY} is missing; `make setup` installs it", file=sys.stderr)
        return 2
    scenario = SCENARIOS[options.scenario]
    assert isinstance(scenario, Deliveries | Storm)
    scenario = replace(scenario, calm_s=CALM_S) if isinstance(scenario, Storm) else scenario
    scenario = replace(scenario, seconds=options.seconds) if isinstance(scenario, Deliveries) else scenario
    with tempfile.TemporaryDirectory(prefix="syncd-profile-") as folder:
        stacks = options.stacks or Path(folder) / "stacks.txt"
        try:
            outcome, front = _look(options.server, scenario, options.seconds, Path(folder), stacks)
        except (ServerFailed, GeneratorFailed) as error:
            print(error, file=sys.stderr)
            return 1
        report(outcome, front, stacks.read_text().splitlines())
    return 0


def _look(
    server: str, scenario: Deliveries | Storm, seconds: float, folder: Path, stacks: Path
) -> tuple[Outcome, str]:  # fmt: skip
    cores = sorted(os.sched_getaffinity(0))
    server_core, other_core = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    progress = Progress("steps", 1)
    looking: list[subprocess.Popen[bytes]] = []

    with PEERS[server].run(Place(folder, server_core), scenario) as running:

        def tell(step: Step) -> None:
            progress.advance(0, f"{step.done:g} of {step.total:g} {step.phase}")
            warm = "warm-up" in step.phase and step.done >= step.total
            if not looking and (warm or step.phase == CALM):
                looking.append(_py_spy(running, seconds, stacks))

        job = Job(
            adapter=running.adapter, host=running.host, port=running.port, scenario=scenario,
            processes=running.processes, logins=running.logins,
        )  # fmt: skip
        try:
            outcome = generate(job, core=other_core, tell=tell)
        finally:
            for process in looking:
                process.wait(seconds + 30)
        progress.done()
        return outcome, running.processes[0].name


def _py_spy(running: Running, seconds: float, stacks: Path) -> subprocess.Popen[bytes]:
    command = [
        str(_PY_SPY), "record", "--native", "--format", "raw", "--rate", str(LOOKS_PER_S),
        "--duration", str(int(seconds)), "--pid", str(running.processes[0].pid), "--output", str(stacks),
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def report(outcome: Outcome, front: str, stacks: Iterable[str]) -> None:
    by_stage: Counter[str] = Counter()
    by_function: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if frames[-1].startswith(ASLEEP):
            continue
        by_stage[stage_of(frames)] += int(count)
        by_function[frames[-1]] += int(count)
    looks = by_stage.total()
    resumes = int(outcome.figures.get("resumes", 0))
    units, unit = (resumes, "a resume") if resumes else (outcome.events, "an event")
    cpu_us = outcome.cpu_s[front] * 1e6 / units
    print(f"{outcome.events:,} events, {outcome.deliveries:,} deliveries in {outcome.window_s:.1f} s; {looks} looks")
    print(f"{outcome.deliveries / outcome.cpu_s[front]:,.0f} deliveries per CPU second of the {front} process")
    others = ((name, spent_s * 1e6 / units) for name, spent_s in outcome.cpu_s.items() if name != front)
    print(f"us {unit}: {front} {cpu_us:.1f}, " + ", ".join(f"{name} {us:.1f}" for name, us in others) + "\n")
    for title, counts, shown in (("stage", by_stage, len(by_stage)), ("function", by_function, FUNCTIONS_SHOWN)):
        rows = [
            (name, f"{cpu_us * count / looks:.2f}", f"{count / looks:.1%}") for name, count in counts.most_common(shown)
        ]
        print_table((title, f"us {unit}", "share"), rows)
        print()
    for remark in outcome.remarks:
        print(remark)


def stage_of(frames: list[str]) -> str:
    """The stage of a stack, outermost frame first."""
    for frame in reversed(frames):
        for stage in STAGES:
            if any(text in frame for text in stage.frames):
                return stage.name if "syncd/cli/" not in frame and "syncd/bootstrap/" not in frame else EVENT_LOOP
    return EVENT_LOOP


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

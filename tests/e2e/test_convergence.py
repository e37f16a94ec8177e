"""Whatever happens to devices, networks and the server, in the end all agree: on every device, at the gateway and in
the store, and nothing that was added is lost or there twice."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest
from household import Household, Member, WireFormat
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from syncd.bootstrap import open_deployment
from syncd.operations.verify import verify
from syncd.testing.listener import ACTIONS
from syncd.testing.lossy_proxy import Faults
from syncd.testing.quiet import until_projected
from syncd.testing.server_process import ServerProcess

EXAMPLES, STEPS = {"ci": (10, 30), "deep": (400, 60)}.get(os.environ.get("HYPOTHESIS_PROFILE", "dev"), (5, 25))
KILLS_MAX = 2
"""Of the server, in one example: each takes about a second."""
members = st.integers(0, 4)
"""Modulo the number of devices."""
seeds = st.integers(0, 2**32 - 1)


class Convergence(RuleBasedStateMachine):
    """One example: an account of its own with 2 to 5 devices."""

    server: ServerProcess
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.household: Household | None = None
        self.kills = 0
        # What may be drawn must follow from what was drawn, not from how fast devices are.
        self.backed_up: list[int] = []

    @initialize(formats=st.lists(st.sampled_from(["json", "msgpack"]), min_size=2, max_size=5), seed=seeds)
    def moves_in(self, formats: list[WireFormat], seed: int) -> None:
        self.household = Household(self.server, self.folder, formats=formats, seed=seed)

    # --- listeners ---

    @rule(who=members, actions=st.lists(st.sampled_from(sorted(ACTIONS)), min_size=1, max_size=6))
    def acts(self, who: int, actions: list[str]) -> None:
        for action in actions:
            self.house.act(self.member(who), action)

    @rule(who=members, others=st.lists(members, min_size=1, max_size=4))
    def adds_at_the_same_time_as(self, who: int, others: list[int]) -> None:
        for each in (who, *others):
            self.house.act(self.member(each), "inserts")
            self.house.act(self.member(each), "moves")

    @rule(seconds=st.sampled_from([0.01, 0.05, 0.2]))
    def time_passes(self, seconds: float) -> None:
        self.house.wait(seconds)

    # --- networks ---

    @rule(
        who=members,
        faults=st.builds(
            Faults, st.sampled_from([0, 5, 40]), st.sampled_from([None, 500, 5_000, 50_000]), st.booleans()
        ),
    )
    def network_gets_worse(self, who: int, faults: Faults) -> None:
        self.member(who).network.faults = faults

    @rule(who=members, change=st.sampled_from(["cut", "go_away", "come_back", "hold_back", "let_through", "mend"]))
    def network_changes(self, who: int, change: str) -> None:
        self.house.change_network(self.member(who), change)

    @rule(who=members, action=st.sampled_from(["adds", "plays next", "moves", "skips", "listens"]))
    def acks_are_lost(self, who: int, action: str) -> None:
        """What is sent arrives, its answer does not, and it is sent again."""
        member = self.member(who)
        self.house.change_network(member, "hold_back")
        self.house.act(member, action)
        self.house.wait(0.03)
        self.house.change_network(member, "cut")
        self.house.change_network(member, "let_through")

    # --- apps and machines ---

    @rule(who=members)
    def app_restarts(self, who: int) -> None:
        self.house.reopen(self.member(who))

    @rule(who=members)
    def store_is_backed_up(self, who: int) -> None:
        self.backed_up.append(who)
        self.house.back_up(self.member(who))

    @rule(who=members, other=members, seconds=st.sampled_from([0.003, 0.01, 0.03]))
    def edit_of_news_comes_from_a_backup(self, who: int, other: int, seconds: float) -> None:
        """What this device makes of another's news is on its disk before they are: the backup holds it without them."""
        member = self.member(who)
        self.house.act(self.member(other), "plays next")
        self.house.wait(seconds)
        self.house.act(member, "plays next")
        self.house.back_up(member)
        self.house.wait(seconds)
        self.house.restore(member)

    @precondition(lambda self: self.backed_up)
    @rule(which=members)
    def backup_is_restored(self, which: int) -> None:
        self.house.restore(self.member(self.backed_up[which % len(self.backed_up)]))

    @precondition(lambda self: self.kills < KILLS_MAX)
    @rule()
    def server_is_killed(self) -> None:
        self.kills += 1
        self.house.kill_server()

    # --- the end ---

    def teardown(self) -> None:
        if self.household is None:
            return
        try:
            self.household.assert_converged()
        except BaseException as error:
            error.add_note(self.server.said())
            raise
        finally:
            self.household.close()

    @property
    def house(self) -> Household:
        assert self.household is not None
        return self.household

    def member(self, n: int) -> Member:
        return self.house.members[n % len(self.house.members)]


@pytest.mark.timeout(600 if STEPS < 60 else 36_000)
def test_devices_gateway_and_store_agree_whatever_happens(server: ServerProcess, tmp_path: Path) -> None:
    machine = type("Machine", (Convergence,), {"server": server, "folder": tmp_path})
    # Nothing here repeats exactly, so a shorter example would be another one: no shrinking.
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, phases=phases)
    )

    async def refold() -> None:
        async with open_deployment(server.config) as deployment:
            await until_projected(deployment.log, deployment.store)
            seed = random.randrange(2**32)
            verified = await verify(deployment.log, deployment.store, seed=seed, progress=lambda done, total: None)
            assert verified.agrees, verified

    asyncio.run(refold())

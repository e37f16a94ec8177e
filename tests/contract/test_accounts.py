"""The door of accounts, examined: memory and Postgres keep the same promises."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Literal

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.accounts import Account, Accounts, Device, Login
from syncd.accounts.memory import MemoryAccounts
from syncd.accounts.minting import Mint
from syncd.accounts.service import PostgresAccounts
from syncd.errors import Conflict, LoginExpired, LoginRevoked, NotFound, Refused, StoreUnavailable, SyncdError
from syncd.limits import NAME_CHARS_MAX
from syncd.testing.postgres import Version, create_database, drop_database

Story = Callable[[Accounts], Awaitable[None]]
Examine = Callable[[Story], None]

UNKNOWN = ["nobody", "", "\0", "\udc80", "a" * 100_000]
"""Texts that name nothing; Postgres cannot even hold some of them."""


class SteppingClock:
    """Each look is 1 ms later, so that it is known what came first."""

    def __init__(self) -> None:
        self.ms = 1_763_870_000_000

    def now_ms(self) -> int:
        self.ms += 1
        return self.ms

    def monotonic_s(self) -> float:
        return self.ms / 1_000


@asynccontextmanager
async def opened(dsn: str, mint: Mint | None = None) -> AsyncIterator[PostgresAccounts]:
    accounts = await PostgresAccounts.open(dsn, SteppingClock(), mint)
    try:
        yield accounts
    finally:
        await accounts.close()


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


@pytest.fixture(scope="module")
def database(postgres_servers: Callable[[Version], str]) -> Iterator[Callable[[Version], str]]:
    """The DSN of a database on a version, shared by this file's tests: making one takes longer than a test."""
    made: dict[Version, tuple[str, str]] = {}

    def dsn(version: Version) -> str:
        if version not in made:
            admin_dsn = postgres_servers(version)
            made[version] = admin_dsn, asyncio.run(create_database(admin_dsn))
        return made[version][1]

    yield dsn
    for admin_dsn, dsn_made in made.values():
        asyncio.run(drop_database(admin_dsn, dsn_made))


@pytest.fixture(params=["memory", "15", "18"], ids=["memory", "postgres-15", "postgres-18"])
def examine(request: pytest.FixtureRequest) -> Examine:
    """Runs a story on one adapter, with nothing in it."""
    adapter: Literal["memory"] | Version = request.param
    # Asked for here and not in the signature, so that memory is examined where no Postgres is.
    dsn = "" if adapter == "memory" else request.getfixturevalue("database")(adapter)

    async def run(story: Story) -> None:
        if adapter == "memory":
            await story(MemoryAccounts(SteppingClock()))
            return
        await execute(dsn, "delete from devices; delete from accounts")
        async with opened(dsn) as accounts:
            await story(accounts)

    return lambda story: asyncio.run(run(story))


async def raised(error: type[SyncdError], call: Awaitable[object]) -> str:
    """The text of the error that a call raises; of exactly this class."""
    with pytest.raises(error) as caught:
        await call
    assert type(caught.value) is error
    return str(caught.value)


# --- accounts ---


def test_an_account_is_found_by_its_id_and_by_its_name(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        alice = await accounts.create("alice")
        await accounts.create("bob")
        assert re.fullmatch(r"[0-9a-z]{12}", alice.account)
        assert await accounts.find(alice.account) == alice
        assert await accounts.find("alice") == alice
        assert await accounts.find("  alice ") == alice

    examine(story)


def test_a_name_is_taken_once(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        alice = await accounts.create("alice")
        assert "'alice'" in await raised(Conflict, accounts.create(" alice"))
        assert await accounts.all() == [alice]
        await accounts.create("Alice")

    examine(story)


def test_of_many_who_want_one_name_at_once_one_gets_it(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        ends = await asyncio.gather(*(accounts.create("alice") for _ in range(12)), return_exceptions=True)
        assert sorted(type(end).__name__ for end in ends) == ["Account"] + ["Conflict"] * 11
        assert len(await accounts.all()) == 1

    examine(story)


def test_a_name_is_kept_trimmed_and_composed(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        composed, decomposed = "Zo\u00eb", "Zoe\u0308"
        assert (await accounts.create(f"  {decomposed}\t")).name == composed
        assert (await accounts.find(decomposed)).name == composed
        await raised(Conflict, accounts.create(composed))

    examine(story)


@pytest.mark.parametrize("name", ["x", "x" * NAME_CHARS_MAX, "Anna's 👩‍👧 café", "'; drop table accounts; --"])
def test_a_usable_name_is_kept_as_it_is(examine: Examine, name: str) -> None:
    async def story(accounts: Accounts) -> None:
        account = await accounts.create(name)
        assert (await accounts.find(name)).name == name
        assert (await accounts.link(account.account, name=name)).name == name

    examine(story)


@pytest.mark.parametrize("name", ["", " \n ", "a\0b", "a\x1b[31mb", "a\nb", "a\x7fb", "a\u2028b", "a\udc80b"])
def test_an_unusable_name_is_refused_for_accounts_and_devices(examine: Examine, name: str) -> None:
    async def story(accounts: Accounts) -> None:
        await raised(Refused, accounts.create(name))
        account = await accounts.create("alice")
        await raised(Refused, accounts.link(account.account, name=name))
        assert await accounts.devices(account.account) == []

    examine(story)


def test_a_name_that_is_too_long_is_refused_with_both_lengths(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        said = await raised(Refused, accounts.create("x" * (NAME_CHARS_MAX + 1)))
        assert "201" in said
        assert "200" in said

    examine(story)


def test_an_id_wins_over_a_name_that_looks_like_it(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        alice = await accounts.create("alice")
        await accounts.create(alice.account)
        assert await accounts.find(alice.account) == alice

    examine(story)


def test_all_accounts_come_oldest_first(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        made = [await accounts.create(name) for name in ("zoe", "adam", "mia")]
        assert await accounts.all() == made

    examine(story)


@pytest.mark.parametrize("text", UNKNOWN, ids=["unknown", "empty", "NUL", "surrogate", "long"])
def test_what_names_nothing_is_not_found(examine: Examine, text: str) -> None:
    async def story(accounts: Accounts) -> None:
        await accounts.create("alice")
        await raised(NotFound, accounts.find(text))
        await raised(NotFound, accounts.link(text, name="phone"))
        await raised(NotFound, accounts.devices(text))
        await raised(NotFound, accounts.revoke(text))
        await raised(LoginExpired, accounts.login(text))
        assert await accounts.revoked_of([text]) == [text]

    examine(story)


# --- devices ---


def test_a_linked_device_logs_in_with_its_token(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        alice = await accounts.create("alice")
        phone = await accounts.link(alice.account, name=" phone ")
        laptop = await accounts.link(alice.account, name="laptop")
        assert phone.name == "phone"
        assert re.fullmatch(r"syncd_[A-Za-z0-9_-]{43}", phone.token)
        assert await accounts.login(phone.token) == Login(alice.account, phone.device)
        assert await accounts.login(laptop.token) == Login(alice.account, laptop.device)

    examine(story)


def test_a_token_that_is_almost_right_is_wrong(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        phone = await accounts.link((await accounts.create("alice")).account, name="phone")
        for wrong in (phone.token[:-1], phone.token + "A", phone.token.lower(), f" {phone.token}", phone.device):
            await raised(LoginExpired, accounts.login(wrong))

    examine(story)


def test_devices_are_those_of_the_account_oldest_first(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        alice, bob = await accounts.create("alice"), await accounts.create("bob")
        linked = [await accounts.link(alice.account, name=name) for name in ("phone", "phone", "car")]
        await accounts.link(bob.account, name="radio")
        devices = await accounts.devices(alice.account)
        assert [(device.device, device.name) for device in devices] == [(row.device, row.name) for row in linked]
        assert all(device.account == alice.account and device.revoked_ms is None for device in devices)
        assert [device.linked_ms for device in devices] == sorted({device.linked_ms for device in devices})

    examine(story)


def test_a_revoked_device_never_logs_in_again_and_others_do(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        alice = await accounts.create("alice")
        phone, car = [await accounts.link(alice.account, name=name) for name in ("phone", "car")]
        revoked = await accounts.revoke(phone.device)
        assert revoked.revoked_ms is not None
        assert phone.device in await raised(LoginRevoked, accounts.login(phone.token))
        assert await accounts.login(car.token) == Login(alice.account, car.device)
        assert [device.revoked_ms for device in await accounts.devices(alice.account)] == [revoked.revoked_ms, None]

    examine(story)


def test_revoking_twice_keeps_the_first_time(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        phone = await accounts.link((await accounts.create("alice")).account, name="phone")
        assert await accounts.revoke(phone.device) == await accounts.revoke(phone.device)

    examine(story)


def test_revoked_ones_are_told_from_the_rest_in_the_order_asked(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        alice = await accounts.create("alice")
        a, b, c = [(await accounts.link(alice.account, name=name)).device for name in "abc"]
        await accounts.revoke(c)
        await accounts.revoke(a)
        assert await accounts.revoked_of([c, b, a]) == [c, a]
        assert await accounts.revoked_of([b, "gone"]) == ["gone"], "who is not there any more has no business here"
        assert await accounts.revoked_of([]) == []

    examine(story)


# --- moved and erased ---


def test_an_adopted_account_stands_under_its_ids_and_nobody_can_log_in_to_it(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        account = Account("aliceid00000", "alice", 5)
        devices = [Device("phone0000000", "aliceid00000", "phone", 6, None), Device("tv", "aliceid00000", "tv", 7, 8)]
        for _ in range(2):
            await accounts.adopt(account, devices)
            assert await accounts.find("alice") == account
            assert await accounts.devices("aliceid00000") == devices
        await accounts.adopt(Account("aliceid00000", "another name", 9), [])
        assert await accounts.find("aliceid00000") == account, "what is there stays as it is"
        assert await accounts.revoked_of(["phone0000000", "tv"]) == ["tv"]

    examine(story)


def test_an_adopted_account_takes_nothing_from_another(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        bob = await accounts.create("bob")
        car = await accounts.link(bob.account, name="car")
        with pytest.raises(Conflict, match="'bob'"):
            await accounts.adopt(Account("another00000", "bob", 5), [])
        stolen = Device(car.device, "another00000", "mine", 5, None)
        with pytest.raises(Conflict, match=car.device):
            await accounts.adopt(Account("another00000", "alice", 5), [stolen])
        assert (await accounts.login(car.token)).account == bob.account

    examine(story)


def test_of_an_erased_account_nothing_is_left_and_others_stay(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        alice, bob = await accounts.create("alice"), await accounts.create("bob")
        phone, car = await accounts.link(alice.account, name="phone"), await accounts.link(bob.account, name="car")
        assert [await accounts.erase(alice.account) for _ in range(2)] == [True, False]
        for name in (alice.account, "alice"):
            with pytest.raises(NotFound):
                await accounts.find(name)
        with pytest.raises(LoginExpired):
            await accounts.login(phone.token)
        assert await accounts.revoked_of([phone.device, car.device]) == [phone.device]
        assert await accounts.all() == [bob]
        assert (await accounts.create("alice")).account != alice.account

    examine(story)


# --- what is kept, and what happens when the database does not answer ---


def test_a_token_is_kept_as_a_hash_only(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened(postgres_dsn) as accounts:
            phone = await accounts.link((await accounts.create("alice")).account, name="phone")
        connection = await asyncpg.connect(postgres_dsn)
        rows = await connection.fetch("select devices.*::text as everything from devices")
        await connection.close()
        assert phone.device in rows[0]["everything"]
        assert phone.token.removeprefix("syncd_") not in rows[0]["everything"]
        assert phone.token.encode().hex() not in rows[0]["everything"]

    asyncio.run(story())


def test_tables_that_are_missing_are_said_to_be(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened(postgres_dsn) as accounts:
            await execute(postgres_dsn, "drop table devices, accounts")
            assert "syncd migrate" in await raised(StoreUnavailable, accounts.create("alice"))

    asyncio.run(story())


def test_a_database_that_is_gone_makes_the_store_unavailable(postgres_dsn: str) -> None:
    async def story() -> None:
        async with opened(postgres_dsn) as accounts:
            await accounts.close()
            await raised(StoreUnavailable, accounts.find("alice"))
        await raised(StoreUnavailable, PostgresAccounts.open(postgres_dsn + "_gone", SteppingClock()))

    asyncio.run(story())


# --- side by side ---

STEPS = st.lists(
    st.tuples(st.sampled_from(["create", "find", "link", "devices", "revoke", "login", "all"]), st.integers(0, 4)),
    min_size=1,
    max_size=25,
)


def seeded_mint() -> Mint:
    return Mint(random.Random(7).randbytes)


async def answers(accounts: Accounts, steps: list[tuple[str, int]]) -> list[object]:
    """What a door answers to these steps, errors by class and text."""
    said: list[object] = []
    ids, devices, tokens = ["nobody"], ["nothing"], ["syncd_none"]
    for step, n in steps:
        try:
            match step:
                case "create":
                    account = await accounts.create(f"name {n}")
                    ids.append(account.account)
                    said.append(account)
                case "link":
                    linked = await accounts.link(ids[n % len(ids)], name=f"device {n}")
                    devices.append(linked.device)
                    tokens.append(linked.token)
                    said.append(linked)
                case "find":
                    said.append(await accounts.find(f"name {n}"))
                case "devices":
                    said.append(await accounts.devices(ids[n % len(ids)]))
                case "revoke":
                    said.append(await accounts.revoke(devices[n % len(devices)]))
                case "login":
                    said.append(await accounts.login(tokens[n % len(tokens)]))
                case "all":
                    said.append(await accounts.all())
        except SyncdError as error:
            said.append((type(error), str(error)))
    return said


@given(steps=STEPS)
def test_memory_and_postgres_answer_the_same_to_any_steps(
    database: Callable[[Version], str], steps: list[tuple[str, int]]
) -> None:
    async def story() -> None:
        expected = await answers(MemoryAccounts(SteppingClock(), seeded_mint()), steps)
        await execute(database("18"), "delete from devices; delete from accounts")
        async with opened(database("18"), seeded_mint()) as accounts:
            assert await answers(accounts, steps) == expected

    asyncio.run(story())


def test_accounts_are_found_by_a_part_of_their_name_or_id_in_the_order_of_names(examine: Examine) -> None:
    async def story(accounts: Accounts) -> None:
        names = ("Zoe", "adam", "Ada", "Él Ada", "100%_a", "x" * 9)
        made = {name: await accounts.create(name) for name in names}

        async def found(text: str, *, after: str = "", limit: int = 10) -> list[str]:
            return [account.name for account in await accounts.search(text, after=after, limit=limit)]

        assert await found("") == sorted(names)
        assert await found("", limit=2) == sorted(names)[:2]
        assert await found("", after="Zoe") == sorted(names)[sorted(names).index("Zoe") + 1 :]
        assert await found(" ADA ") == ["Ada", "adam", "Él Ada"]
        assert await found("él ada") == [], "capitals beyond ASCII are letters of their own"
        assert await found("Él") == ["Él Ada"]
        assert await found("%_") == ["100%_a"], "nothing stands for anything else"
        assert await found(made["Zoe"].account[2:]) == ["Zoe"]
        for unknown in UNKNOWN[2:]:
            assert await found(unknown) == []

    examine(story)

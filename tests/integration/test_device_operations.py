"""Linking and revoking devices, and the login of the demo account, in memory and on Postgres."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
from house import House, Tell, state_of

from syncd.errors import LoginRevoked, Unavailable
from syncd.operations.demo_account import TOKEN_FILE, demo_login
from syncd.operations.devices import revoke_device


def test_a_linked_device_can_log_in_and_the_account_shows_its_name(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        assert (await house.accounts.login(phone.token)).device == phone.device
        devices = (await state_of(house, phone))["devices"]
        assert [(device["device"], device["name"], device["revoked"]) for device in devices] == [
            (phone.device, "phone", False)
        ]

    tell(story)


def test_a_device_whose_name_cannot_be_written_is_not_left_linked(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        await house.log.close()
        with pytest.raises(Unavailable):
            await house.device("alice", "car")
        others = [device for device in await house.accounts.devices(phone.account) if device.device != phone.device]
        assert [device.revoked_ms is not None for device in others] == [True]

    tell(story)


def test_a_revoked_device_is_told_to_gateways_and_to_the_account(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        told: list[str] = []
        house.side_channel.listen("revoked", told.append)
        for _ in range(2):
            await revoke_device(house.accounts, house.log, house.side_channel, house.clock, phone.device)
        with pytest.raises(LoginRevoked):
            await house.accounts.login(phone.token)
        assert (await state_of(house, phone))["devices"][0]["revoked"] is True
        await asyncio.sleep(0)  # messages arrive on the loop's next turn
        assert told == [phone.device, phone.device]

    tell(story)


def test_gateways_are_told_of_a_revoked_device_even_when_the_log_is_down(tell: Tell) -> None:
    async def story(house: House) -> None:
        phone = await house.device("alice", "phone")
        told: list[str] = []
        house.side_channel.listen("revoked", told.append)
        await house.log.close()
        with pytest.raises(Unavailable):
            await revoke_device(house.accounts, house.log, house.side_channel, house.clock, phone.device)
        await asyncio.sleep(0)  # messages arrive on the loop's next turn
        assert told == [phone.device]

    tell(story)


# --- the demo account ---


def test_a_first_start_makes_a_demo_account_and_later_ones_keep_its_login(tell: Tell, tmp_path: Path) -> None:
    async def story(house: House) -> None:
        folder = tmp_path / "data"
        first = await demo_login(house.accounts, house.log, house.clock, folder)
        assert first is not None
        assert (await house.accounts.login(first.token)).account == (await house.accounts.find("demo")).account
        assert stat.S_IMODE((folder / TOKEN_FILE).stat().st_mode) == 0o600
        assert await demo_login(house.accounts, house.log, house.clock, folder) == first
        assert len(await house.accounts.devices(first.account)) == 1

    tell(story)


def test_a_demo_login_that_no_longer_stands_is_replaced(tell: Tell, tmp_path: Path) -> None:
    async def story(house: House) -> None:
        first = await demo_login(house.accounts, house.log, house.clock, tmp_path)
        assert first is not None
        await house.accounts.revoke(first.device)
        second = await demo_login(house.accounts, house.log, house.clock, tmp_path)
        assert second is not None
        assert (await house.accounts.login(second.token)).device == second.device != first.device
        (tmp_path / TOKEN_FILE).write_bytes(b"\xff")
        third = await demo_login(house.accounts, house.log, house.clock, tmp_path)
        assert third is not None
        assert third.account == first.account

    tell(story)


def test_where_people_have_accounts_no_demo_is_made(tell: Tell, tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.accounts.create("alice")
        assert await demo_login(house.accounts, house.log, house.clock, tmp_path) is None
        assert [account.name for account in await house.accounts.all()] == ["alice"]

    tell(story)


def test_a_data_folder_that_cannot_keep_the_token_is_told_and_the_login_works(tell: Tell, tmp_path: Path) -> None:
    async def story(house: House) -> None:
        (tmp_path / "file").write_text("")
        login = await demo_login(house.accounts, house.log, house.clock, tmp_path / "file")
        assert login is not None
        assert (await house.accounts.login(login.token)).device == login.device
        assert str(tmp_path / "file") in login.problem

    tell(story)

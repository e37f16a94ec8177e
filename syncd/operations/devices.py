"""Linking and revoking a device: the login, and what the account's other devices are told.

The login is a row behind the accounts' door; the name, and that it was revoked, are events of the account's stream, so
that every device shows them and a refold finds them again.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from syncd.accounts import Accounts, Device, LinkedDevice
from syncd.clock import Clock
from syncd.errors import AppendUnknown, LogUnavailable, SyncdError
from syncd.log.port import Appended, EventLog
from syncd.log.record import Body, encode_record
from syncd.model.events import DeviceDescribed, DeviceRevoked
from syncd.model.ids import WRITER_LENGTH, AccountId, account_stream
from syncd.model.stamp import pack
from syncd.store.port import SideChannel

REVOKED_TOPIC: Final = "revoked"
"""Of the side channel; the payload is the device. Gateways poll behind it, so a lost message only costs seconds."""
APPEND_ATTEMPTS: Final = 3
"""An append whose outcome is unknown is made again: joining a record twice changes nothing."""
_WRITER_CHARACTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


async def link_device(accounts: Accounts, log: EventLog, clock: Clock, account: str, *, name: str) -> LinkedDevice:
    """A new device of the account, with a token that nobody will see again.

    When its name cannot be written into the log, the login is taken back, because its token goes to nobody. Cancelled
    in between, a device without a name and with an unknown token may stay; revoking it is harmless.

    Args:
        account: its id.

    Raises:
        NotFound, Refused, StoreUnavailable: nothing was linked.
        LogUnavailable, AppendUnknown: nothing stays linked, or the text says which device to revoke.
    """
    linked = await accounts.link(account, name=name)
    try:
        described = DeviceDescribed(device=linked.device, name=linked.name)
        stream = account_stream(AccountId(linked.account))
        await append_event(log, clock, stream, linked.account, linked.device, kind="device.described", data=described)
    except SyncdError as error:
        try:
            await accounts.revoke(linked.device)
        except SyncdError:
            error.add_note(f"device {linked.device} is linked but its token is lost: revoke it")
        raise
    return linked


async def revoke_device(
    accounts: Accounts, log: EventLog, side_channel: SideChannel, clock: Clock, device: str
) -> Device:
    """End a device's login for good. From then on it can do nothing; gateways close its socket within seconds.

    Twice is harmless, and completes what an earlier try could not.

    Raises:
        NotFound, StoreUnavailable: nothing changed.
        LogUnavailable, AppendUnknown: the login has ended, but other devices may not show it yet; try again.
    """
    revoked = await accounts.revoke(device)
    try:
        data = DeviceRevoked(device=revoked.device)
        stream = account_stream(AccountId(revoked.account))
        await append_event(log, clock, stream, revoked.account, revoked.device, kind="device.revoked", data=data)
    finally:
        # Also when the log is down: the socket must close whatever the other devices can be told.
        await side_channel.publish(REVOKED_TOPIC, revoked.device)
    return revoked


async def append_event(
    log: EventLog, clock: Clock, stream: str, account: str, device: str, *, kind: str, data: Any
) -> None:  # fmt: skip
    """Write one event in a stream, by a writer of its own: seq 1, never used again.

    Raises:
        LogUnavailable: it was not written.
        AppendUnknown: nobody knows.
    """
    now_ms = clock.now_ms()
    writer = "".join(secrets.choice(_WRITER_CHARACTERS) for _ in range(WRITER_LENGTH))
    body = Body(t=pack(now_ms), data=data, account=account, device=device, admitted_ms=now_ms)
    record = encode_record(stream, writer, 1, kind, body)
    outcome: Appended | None = None
    for _ in range(APPEND_ATTEMPTS):
        (outcome,) = await log.append([record])
        if outcome.outcome == "written":
            return
        if outcome.outcome == "refused":
            raise LogUnavailable(f"{kind} of device {device} was not written: {outcome.reason}")
    assert outcome is not None
    raise AppendUnknown(f"nobody knows whether {kind} of device {device} was written: {outcome.reason}")

"""`syncd device`: link and revoke devices or, without a subcommand, be one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import options, output
from syncd.cli.deployment import on_deployment

if TYPE_CHECKING:
    from syncd.accounts import Device, LinkedDevice
    from syncd.bootstrap import Deployment

app = typer.Typer(invoke_without_command=True, help="Link, list and revoke devices; without a subcommand, be one.")


@app.command(epilog="Example: syncd device link alice --name phone --json")
def link(
    account: options.AccountName,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What people call the device.")],
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """Link a new device, and print its token: once, for only a hash is kept."""
    from syncd.operations.devices import link_device

    async def work(deployment: Deployment) -> LinkedDevice:
        accounts = deployment.accounts
        found = await accounts.find(account)
        return await link_device(accounts, deployment.log, deployment.clock, found.account, name=name)

    linked = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json({"device": linked.device, "token": linked.token})
    else:
        output.result(f"device {linked.device} ({output.visible(linked.name)})")
        output.result(f"token  {linked.token}")


@app.command("list", epilog="Example: syncd device list alice")
def list_(
    account: options.AccountName,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """List an account's devices, oldest first, revoked ones too."""

    async def work(deployment: Deployment) -> Sequence[Device]:
        return await deployment.accounts.devices((await deployment.accounts.find(account)).account)

    devices = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json(devices)
        return
    from syncd.operations.moment import moment

    rows = [
        (
            device.device,
            moment(device.linked_ms),
            "-" if device.revoked_ms is None else moment(device.revoked_ms),
            device.name,
        )
        for device in devices
    ]
    output.table(("DEVICE", "LINKED", "REVOKED", "NAME"), rows)


@app.command(epilog="Example: syncd device revoke 7hx2m0q9w1ec")
def revoke(
    device: options.DeviceId,
    as_json: options.AsJson = False,
    data_dir: options.DataDir = None,
    config_file: options.ConfigFile = None,
) -> None:
    """End a device's login for good. Its socket closes within seconds; nothing more is accepted from it."""
    from syncd.operations.devices import revoke_device

    async def work(deployment: Deployment) -> Device:
        side_channel, clock = deployment.side_channel, deployment.clock
        return await revoke_device(deployment.accounts, deployment.log, side_channel, clock, device)

    revoked = on_deployment(work, config_file=config_file, data_dir=data_dir)
    if as_json:
        output.result_json({"device": revoked.device, "revoked_ms": revoked.revoked_ms})
    else:
        output.result(f"device {revoked.device} ({output.visible(revoked.name)}) is revoked")

"""`syncd device`: link and revoke devices or, without a subcommand, be one."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from syncd.cli import options, output
from syncd.cli.deployment import on_deployment

if TYPE_CHECKING:
    from syncd.accounts import Device, LinkedDevice
    from syncd.bootstrap import Deployment

app = typer.Typer(invoke_without_command=True)

EXAMPLE_EVENT: Final = '{"kind": "settings.changed", "data": {"theme": "dark"}}'


class WireFormat(StrEnum):
    """Of messages; what they say is the same."""

    JSON = "json"
    MSGPACK = "msgpack"


@app.callback(epilog=f"Example: echo '{EXAMPLE_EVENT}' | syncd device --token-file phone.token --store phone.sqlite")
def device(
    context: typer.Context,
    token: Annotated[
        str | None, typer.Option("--token", metavar="TOKEN", help="As `syncd device link` printed it.")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="A file with the token: others see a command's arguments."),
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="Of the gateway. Without it: the one on this machine.")
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="FILE", help="Keeps state and unsent events. Without it both are forgotten."),
    ] = None,
    wire_format: Annotated[WireFormat, typer.Option("--format", help="Of the messages on the wire.")] = WireFormat.JSON,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Stay when stdin has ended, until Ctrl-C.")] = False,
    timeout_s: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long to wait for the last answers.")
    ] = 30.0,
    config_file: options.ConfigFile = None,
) -> None:
    """Link, list and revoke devices; without a subcommand, be one.

    Then it reads events from stdin, one JSON object a line with "kind", "data" and, where wanted, "stream" and
    "valid_ms", and prints every message of the server, one a line. It ends when stdin has and every event is answered.
    """
    if context.invoked_subcommand is not None:
        return
    from syncd.cli.device_run import run_device

    run_device(
        url=_local_gateway(config_file) if url is None else url,
        token=_token(token, token_file),
        store=store,
        format=wire_format.value,
        follow=follow,
        timeout_s=timeout_s,
    )


def _local_gateway(config_file: Path | None) -> str:
    """Where the settings say that this machine's gateway listens."""
    from syncd.config import load
    from syncd.protocol.version import PATH

    config = load(file=config_file)
    if config.ws_port == 0:
        raise typer.BadParameter("ws_port is 0, so only the server knows its port: give --url")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)  # noqa: S104 - compared, not bound
    return f"ws://[{host}]:{config.ws_port}{PATH}" if ":" in host else f"ws://{host}:{config.ws_port}{PATH}"


def _token(token: str | None, token_file: Path | None) -> str:
    if (token is None) == (token_file is None):
        raise typer.BadParameter("a device needs its token: give --token or --token-file, one of them")
    if token_file is None:
        assert token is not None
        return token
    try:
        return token_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"--token-file: cannot read {token_file}: {error}") from error


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
